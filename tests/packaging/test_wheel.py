"""The wheel, installed into a clean environment: a new user's way without a checkout."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from socket import socket
from time import monotonic, sleep

import duckdb
import pytest

from dicom_pipeline.config.project import PROJECT_DIR

pytestmark = [pytest.mark.check, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the programs of an environment that has the wheel and what it depends on."""
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    root = tmp_path_factory.mktemp("wheel")

    def run(*arguments: object) -> None:
        subprocess.run([uv, *map(str, arguments)], check=True, cwd=root, capture_output=True)

    run("build", "--quiet", "--wheel", "--out-dir", root / "dist", PROJECT_DIR)
    run("venv", "--quiet", "--python", sys.executable, root / "venv")
    python = root / "venv" / "bin" / "python"
    [wheel] = (root / "dist").glob("*.whl")
    run("pip", "install", "--quiet", "--python", python, "--require-hashes", "--no-deps",
        "-r", PROJECT_DIR / "requirements.lock")  # fmt: skip
    run("pip", "install", "--quiet", "--python", python, "--no-deps", wheel)
    return python.parent


@pytest.fixture(scope="module")
def environment(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("home")
    return {"HOME": str(home), "PATH": f"{installed}:{os.defpath}", "DO_NOT_TRACK": "1"}


def command(
    environment: dict[str, str], directory: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", 'test -f env.sh && . ./env.sh; exec dicom-pipeline "$@"', "sh", *arguments],
        env=environment, cwd=directory, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A project directory, and the first run in it."""
    directory = tmp_path_factory.mktemp("project") / "site"
    done = command(environment, directory.parent, "init", str(directory))
    assert done.returncode == 0, done.stderr
    return directory, command(environment, directory, "run", "--sample")


def test_outside_a_project_directory_a_command_says_so_in_one_line(
    environment: dict[str, str], tmp_path: Path
) -> None:
    for arguments in (["run"], ["status"], ["scan"], ["rejects"], ["purge", "--study-uid", "1"]):
        done = command(environment, tmp_path, *arguments)
        lines = (done.stdout + done.stderr).strip().splitlines()
        assert (done.returncode, len(lines)) == (2, 1), lines
        assert "dicom-pipeline init DIR" in lines[0]
    assert not list(tmp_path.iterdir())


def test_the_sample_is_loaded_and_published_in_the_project_directory(
    site: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    directory, done = site
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(directory / "dicom.duckdb"), read_only=True) as connection:
        rows = connection.execute("select count(*) from processed.processed_images").fetchone()
    assert rows == (131,)
    assert {path.name for path in (directory / "data").iterdir()} == {
        "dicom-files", "raw", "warehouse",
    }  # fmt: skip


def test_a_command_works_in_a_folder_below_and_a_second_run_reads_nothing(
    site: tuple[Path, subprocess.CompletedProcess[str]], environment: dict[str, str]
) -> None:
    directory, _ = site
    done = command(environment, directory / "dbt_snowflake" / "seeds", "run")
    assert "0 files read" in done.stdout
    assert done.returncode == 0


def test_beside_a_checkout_the_project_directory_counts(
    site: tuple[Path, subprocess.CompletedProcess[str]], environment: dict[str, str]
) -> None:
    """The working directory is a checkout: its files are not those of the installed version."""
    done = command(environment, PROJECT_DIR, "status")
    assert done.returncode == 2
    assert "not a project directory" in done.stdout


@pytest.fixture
def dev(
    site: tuple[Path, subprocess.CompletedProcess[str]], environment: dict[str, str]
) -> Iterator[str]:
    """Address of ``dagster dev`` in the project directory."""
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    directory, _ = site
    started = subprocess.Popen(
        ["sh", "-c", f". ./env.sh; exec dagster dev --host 127.0.0.1 --port {port}"],
        env=environment, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    yield f"http://127.0.0.1:{port}"
    started.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        started.wait(60)
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait(60)


def test_dagster_dev_serves_the_jobs_and_the_sensors(dev: str) -> None:
    question = (
        "{repositoriesOrError{... on RepositoryConnection{nodes{jobs{name} sensors{name}}} "
        "... on PythonError{message}}}"
    )
    request = urllib.request.Request(
        f"{dev}/graphql",
        json.dumps({"query": question}).encode(),
        {"content-type": "application/json"},
    )
    answer = ""
    deadline = monotonic() + 240
    while "materialize_raw_assets_job" not in answer and monotonic() < deadline:
        sleep(2)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                answer = response.read().decode()
        except OSError:
            continue
    assert "materialize_raw_assets_job" in answer
    assert "file_arrival_sensor" in answer
