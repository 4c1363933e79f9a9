"""The installer of the Makefile: pip's settings reach uv, and a failure is one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicom_pipeline.config.project import PROJECT_DIR
from tests.orchestration.dev_server import DevServer
from tools.install_packages import Installer, InstallError, parse_pip_config, uv_variables

FILES = ("Makefile", "tools", "pyproject.toml", "README.md", "dicom_pipeline", "dbt_snowflake",
         "resources", "dagster.yaml")  # fmt: skip


def checkout(place: Path) -> Path:
    """Copy what the targets need, without what was built."""
    place.mkdir()
    ignored = shutil.ignore_patterns("target", "logs", "__pycache__")
    for name in (*FILES, *(lock.name for lock in PROJECT_DIR.glob("requirements*.lock"))):
        source = PROJECT_DIR / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=ignored)
        else:
            shutil.copy(source, place / name)
    return place


def make(
    project: Path, *arguments: str, path: str = "/usr/bin:/bin", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run make without the environment of the tests."""
    kept = {name: os.environ[name] for name in os.environ
            if name == "HOME" or name.startswith(("PIP_", "UV_", "SSL_"))
            or name.lower().endswith("_proxy")}  # fmt: skip
    return subprocess.run(
        ["make", *arguments], cwd=project, env={**kept, "PATH": path, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip


# --- settings


def test_settings_of_pip_are_read_with_the_precedence_of_pip() -> None:
    lines = [
        ":env:.timeout='9'",
        "global.index-url='https://a.example/simple'",
        "install.index-url='https://b.example/simple'",
        "global.timeout='5'",
        "download.index-url='https://c.example/simple'",
        "WARNING: something else",
    ]
    assert parse_pip_config(lines) == {"index-url": "https://b.example/simple", "timeout": "9"}


def test_uv_is_given_the_index_the_certificates_and_the_proxy_of_pip(
    tmp_path: Path,
) -> None:
    settings = {
        "index-url": "https://a.example/simple", "extra-index-url": "https://b.example/x\nhttps://c",
        "find-links": "/wheels /more", "trusted-host": "a.example", "cert": "/ca.pem",
        "proxy": "http://p.example:3128",
    }  # fmt: skip
    assert uv_variables(settings, {"HOME": str(tmp_path)}) == {
        "UV_DEFAULT_INDEX": "https://a.example/simple",
        "UV_INDEX": "https://b.example/x https://c",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_INSECURE_HOST": "a.example",
        "ALL_PROXY": "http://p.example:3128",
        "SSL_CERT_FILE": "/ca.pem",
    }


@pytest.mark.parametrize("by", ["variable", "file"])
def test_an_index_that_is_configured_for_uv_stays(by: str, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "SSL_CERT_FILE": "/mine.pem", "HTTPS_PROXY": "http://mine"}
    if by == "variable":
        environ["UV_INDEX_URL"] = "https://mine.example/simple"
    else:
        (tmp_path / ".config" / "uv").mkdir(parents=True)
        (tmp_path / ".config" / "uv" / "uv.toml").touch()
    settings = {"index-url": "https://a.example", "proxy": "http://p", "cert": "/ca.pem"}
    assert uv_variables(settings, environ) == {}


# --- failures


@pytest.mark.parametrize(
    ("printed", "cause"),
    [
        ("error: Failed to fetch: `https://x/six/`\n  cause: dns error", "cannot be reached"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "lock file"),
        ("error: Failed to fetch\n  cause: invalid peer certificate: UnknownIssuer", "certificate"),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("something\nerror: it broke.\n", "error: it broke"),
        ("", "nothing was printed"),
    ],
)
def test_the_cause_is_read_from_what_the_installers_printed(
    printed: str, cause: str, tmp_path: Path
) -> None:
    log = tmp_path / "install.log"
    log.write_text(printed)
    assert cause in Installer({}, log).cause()


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_uv_that_does_not_run_or_is_too_old_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = program(tmp_path / "uv", "echo not found >&2; exit 127")
    installer = Installer({"PATH": str(tmp_path)}, tmp_path / "log")
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path / "none"))
    monkeypatch.setattr(Installer, "pip", lambda *a: False)
    assert installer.uv() is None
    program(uv, "echo uv 0.1.2")
    assert installer.uv() is None
    program(uv, "echo uv 0.12.3 '(x 2026-01-01)'")
    assert installer.uv() == str(uv)


@pytest.mark.parametrize("uv_works", [True, False])
def test_pip_installs_the_same_files_where_uv_is_not_there_or_fails(
    uv_works: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[tuple[str, ...]] = []

    def run(self: Installer, *command: str) -> bool:
        commands.append(command)
        return command[0] == sys.executable

    monkeypatch.setattr(Installer, "uv", lambda self: "uv" if uv_works else None)
    monkeypatch.setattr(Installer, "run", run)
    lock, log = tmp_path / "requirements.lock", tmp_path / "log"
    log.write_text("error: it broke")
    assert Installer({"HOME": "/"}, log).install(lock, exact=True) == "pip"
    packages, project = commands[-2:]
    assert packages[-3:] == ("--require-hashes", "--requirement", str(lock))
    assert "--no-deps" in packages
    assert project[-2:] == ("--editable", str(PROJECT_DIR))


@pytest.mark.parametrize("exact", [True, False])
def test_only_an_exact_installation_removes_packages(
    exact: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[tuple[str, ...]] = []
    monkeypatch.setattr(Installer, "uv", lambda self: "uv")
    monkeypatch.setattr(Installer, "run", lambda self, *c: commands.append(c) or True)
    installer = Installer({"HOME": "/"}, tmp_path / "log")
    assert installer.install(tmp_path / "requirements.lock", exact=exact) == "uv"
    packages, project = commands
    assert packages[:3] == ("uv", "pip", "sync" if exact else "install")
    assert "--require-hashes" in packages
    assert project[:3] == ("uv", "pip", "install")


def test_a_failure_names_the_file_and_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "install.log"
    log.write_text("dns error")
    monkeypatch.setattr(Installer, "uv", lambda self: None)
    monkeypatch.setattr(Installer, "run", lambda self, *c: False)
    with pytest.raises(InstallError) as failed:
        Installer({}, log).install(Path("requirements.lock"), exact=True)
    assert str(failed.value).startswith("requirements.lock could not be installed: the package ind")
    assert str(failed.value).endswith(f"See {log}")
    assert "\n" not in str(failed.value)


# --- make


def test_make_with_an_older_python_names_the_version_that_is_needed(tmp_path: Path) -> None:
    project = checkout(tmp_path / "project")
    old = "import sys; sys.version_info = (3, 10, 13, 'final', 0); exec(sys.argv[1])"
    python = program(tmp_path / "python3.10", f'exec {sys.executable} -c "{old}" "$2"')
    for named in (python, tmp_path / "python3.99"):
        done = make(project, "run", f"PYTHON={named}")
        lines = done.stdout.splitlines()
        assert done.returncode != 0
        assert lines[0].startswith("Python 3.11 or newer is needed; point PYTHON at one: make run ")
        assert len(lines) == 2, done.stdout  # the other is make's own
        assert not (project / ".venv" / ".python").exists()


@pytest.mark.timeout(120)
def test_make_without_uv_and_without_a_network_ends_with_one_line(tmp_path: Path) -> None:
    project = checkout(tmp_path / "project")
    done = make(
        project, "run", f"PYTHON={sys.executable}", PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0", PIP_NO_CACHE_DIR="1",
        PIP_FIND_LINKS="", HOME=str(tmp_path),
    )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    _, *of_uv, line, of_make = done.stdout.splitlines()
    assert all(text.startswith("uv failed: the package index cannot be reached") for text in of_uv)
    assert line.startswith("requirements.lock could not be installed: the package index cannot be")
    assert line.endswith("install.log")
    assert of_make.startswith("make: ***")
    assert not (project / ".venv" / ".run").exists()


def test_dagster_deps_without_an_active_environment_says_how_to_make_one(tmp_path: Path) -> None:
    project = checkout(tmp_path / "project")
    program(tmp_path / "python", "exit 1")
    done = make(project, "dagster_deps", path=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode != 0
    assert "No virtual environment is active" in done.stdout
    assert "Traceback" not in done.stdout


def test_dbt_deps_before_dagster_deps_names_it(tmp_path: Path) -> None:
    done = make(checkout(tmp_path / "project"), "dbt_deps")
    assert done.returncode != 0
    assert "make dagster_deps" in done.stdout.splitlines()[0]


@pytest.fixture
def active(tmp_path: Path) -> Iterator[Path]:
    """An environment in which somebody has installed another package."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "another_package.py").write_text("VALUE = 1\n")
    information = packages / "another_package-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: another-package\n"
                                          "Version: 1.0\n")  # fmt: skip
    (information / "INSTALLER").write_text("pip\n")
    (information / "RECORD").write_text("another_package.py,,\n"
                                        "another_package-1.0.dist-info/METADATA,,\n"
                                        "another_package-1.0.dist-info/INSTALLER,,\n"
                                        "another_package-1.0.dist-info/RECORD,,\n")  # fmt: skip
    yield environment
    shutil.rmtree(environment)


@pytest.mark.check
@pytest.mark.timeout(900)
def test_the_steps_by_hand_work_in_an_environment_that_holds_another_package(
    active: Path, tmp_path: Path
) -> None:
    project = checkout(tmp_path / "project")
    variables = {
        "VIRTUAL_ENV": str(active), "DAGSTER_HOME": str(tmp_path / "dagster"),
        "DICOM_LANDING_URI": str(tmp_path / "landing"), "DICOM_RAW_URI": str(tmp_path / "raw"),
        "DICOM_WAREHOUSE_DIR": str(tmp_path / "warehouse"), "DBT_DATABASE_NAME": "dicom.duckdb",
    }  # fmt: skip
    (tmp_path / "landing").mkdir()
    path = f"{active / 'bin'}:{os.environ['PATH']}"
    for target in ("dagster_deps", "dbt_deps"):
        done = make(project, target, path=path, **variables)
        assert done.returncode == 0, done.stdout
        assert "Trying pip" not in done.stdout
    with DevServer(
        variables, tmp_path / "dagster", project, bin_directory=active / "bin"
    ) as server:
        assert server.runs() == []  # it answers
    python = active / "bin" / "python"
    asked = (
        "import another_package, importlib.metadata as m; import dicom_pipeline as d;"
        "print(m.version('another-package'), d.__file__)"
    )
    told = subprocess.check_output([python, "-c", asked], text=True, cwd=tmp_path)
    assert told.split() == ["1.0", str(project / "dicom_pipeline" / "__init__.py")]
    assert not (project / ".venv").exists()
