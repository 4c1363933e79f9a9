"""The image: no engine builds it here, so a linter reads it, and what it holds is put together."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docker.utils.build import exclude_paths

from dicom_pipeline.config.project import PROJECT_DIR
from tests.endtoend.conftest import Site, files_read

CONTAINERFILE = PROJECT_DIR / "deploy" / "Containerfile"
IGNORED = PROJECT_DIR / ".dockerignore"


def instructions() -> list[tuple[str, str]]:
    """Instructions with their arguments, lines that go on put together."""
    text = re.sub(r"^#.*\n", "", CONTAINERFILE.read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    return [(line.split()[0], line.partition(" ")[2]) for line in lines if line.strip()]


def copies() -> list[tuple[list[str], str]]:
    """What is copied from the context, and where to; the last stage's are the image's."""
    found = []
    for name, arguments in instructions():
        words = [word for word in shlex.split(arguments) if not word.startswith("--chmod")]
        if name == "COPY" and not words[0].startswith("--from"):
            found.append((words[:-1], words[-1]))
    return found


def context(root: Path) -> set[str]:
    """Files that an engine would be sent, by the rules of Docker's own client."""
    paths = exclude_paths(str(root), IGNORED.read_text().splitlines())
    return {path for path in paths if (root / path).is_file()}


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, CONTAINERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_has_a_tag_and_nobody_is_root() -> None:
    given = instructions()
    bases = [arguments for name, arguments in given if name == "ARG" and "BASE=" in arguments]
    assert re.fullmatch(r"BASE=python:3\.\d+-slim-\w+", bases[0])
    assert [arguments for name, arguments in given if name == "FROM"] == [
        "${BASE} AS packages", "${BASE}",
    ]  # fmt: skip
    users = [arguments for name, arguments in given if name == "USER"]
    assert users == ["10001:10001"]  # by number, which Kubernetes can tell from root


def test_packages_are_those_of_the_lock_by_their_hashes() -> None:
    (install,) = [a for name, a in instructions() if name == "RUN" and "pip install" in a]
    assert "--require-hashes" in install
    assert "--only-binary=:all:" in install
    pins = {
        name: set(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([^ ;\\]+)", text, re.MULTILINE))
        for name in ("requirements.lock", "requirements-deploy.lock")
        for text in [(PROJECT_DIR / name).read_text()]
    }
    assert pins["requirements.lock"] < pins["requirements-deploy.lock"]
    more = {name for name, _ in pins["requirements-deploy.lock"] - pins["requirements.lock"]}
    assert {"dagster-aws", "dagster-k8s", "dagster-postgres", "psycopg2-binary"} <= more


def test_no_secret_is_in_a_layer() -> None:
    given = [arguments for name, arguments in instructions() if name in ("ENV", "ARG")]
    for variable in re.findall(r"(\w+)=", " ".join(given)):
        assert not re.search("KEY|SECRET|PASSWORD|TOKEN|PASSPHRASE", variable), variable


def test_data_keys_and_history_are_not_sent_to_an_engine(tmp_path: Path) -> None:
    secrets = [
        ".git/config", ".dagster/storage/runs.db", ".env", ".venv/bin/python", "dicom.duckdb",
        "data/dicom-files/a.dcm", "data/raw/images/p.parquet", "data/warehouse/pseudonym.key",
        "dbt_snowflake/target/manifest.json", "dbt_snowflake/logs/dbt.log", "snowflake_key.p8",
        "deploy/kubernetes/secret.env", "deploy/pseudonym.key", "resources/x.duckdb",
        "dicom_pipeline/__pycache__/cli.pyc", "tests/x.dcm", "dist/lambda.zip",
        "dbt_snowflake/config/key.pem",
    ]  # fmt: skip
    wanted = ["dicom_pipeline/cli/app.py", "dbt_snowflake/seeds/s.csv", "requirements-deploy.lock"]
    for name in (*secrets, *wanted):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert context(tmp_path) == set(wanted)


def test_all_that_is_copied_is_there() -> None:
    sent = context(PROJECT_DIR)
    for sources, _ in copies():
        for source in sources:
            assert any(f == source or f.startswith(f"{source}/") for f in sent), source


@pytest.mark.slow
def test_what_the_image_holds_runs_where_only_its_own_folders_can_be_written(
    tmp_path: Path,
) -> None:
    image, app = tmp_path / "image", tmp_path / "image" / "app"
    sent = context(PROJECT_DIR)
    app.mkdir(parents=True)
    for sources, target in copies():
        place = app / target if not target.startswith("/") else image / target[1:]
        for source in sources:
            for name in (f for f in sent if f == source or f.startswith(f"{source}/")):
                inside = Path(name).relative_to(source) if name != source else Path()
                whole = place / (Path(name).name if target.endswith("/") else "") / inside
                whole.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(PROJECT_DIR / name, whole)
    site = Site(tmp_path / "site", project=app)
    site.put("CT_small.dcm", "MR_small.dcm")
    for folder in ("target", "logs"):
        (app / "dbt_snowflake" / folder).mkdir()
    writable = [app / "dbt_snowflake" / folder for folder in ("target", "logs")]
    for path in [app, *app.rglob("*")]:
        path.chmod(0o555 if path.is_dir() and path not in writable else 0o755)
    # not even root may write where it is not allowed to, without its capabilities
    setpriv = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
    command = [*setpriv, "sh", str(image / "usr/local/bin/dicom-pipeline"), "run"]
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(app),
        "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1", "DO_NOT_TRACK": "1",
        **site.environment,
    }  # fmt: skip
    done = subprocess.run(
        command, cwd=app, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert files_read(done.stdout) == 2
    assert site.ask("select count(*) from processed.processed_images") == [(2,)]
    touch = [*setpriv, "touch", str(app / "dicom_pipeline" / "x")]
    assert subprocess.run(touch, capture_output=True, check=False).returncode != 0
