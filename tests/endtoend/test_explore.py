"""`dicom-pipeline explore`: Harlequin on the published file, in a real terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from dicom_pipeline.cli.app import app
from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.operations import explore

from .terminal_session import CONTROL_Q, DOWN, F6, Terminal


def real_harlequin() -> str | None:
    """Return Harlequin if it is installed; uvx is excluded because it would download it."""
    try:
        command = explore.harlequin_command()
    except explore.ExploreError:
        return None
    return command[0] if len(command) == 1 else None


def made(path: Path, image: str) -> Path:
    """Create a database with the schema of a published file."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema processed")
        connection.execute(
            f"create table processed.processed_images as select '{image}' as image_key"
        )
        connection.execute("create table processed.run_info as select 1 as number")
        connection.execute("create view processed.series_geometry as select 2 as slice_count")
    path.chmod(0o444)
    return path


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    made(tmp_path / "dicom.duckdb", "first")
    (tmp_path / "home").mkdir()
    return os.environ | {
        "DICOM_LANDING_URI": str(tmp_path / "landing"),
        "DICOM_RAW_URI": str(tmp_path / "raw"),
        "DICOM_WAREHOUSE_DIR": str(tmp_path / "warehouse"),
        "DBT_DATABASE_NAME": str(tmp_path / "dicom.duckdb"),
        "PYTHONPATH": str(PROJECT_DIR),
        "HOME": str(tmp_path / "home"),
        "TERM": "xterm-256color",
    }


COMMAND = (sys.executable, "-m", "dicom_pipeline.cli", "explore")


@pytest.mark.slow  # a full-screen terminal program
def test_harlequin_shows_the_tables_read_only_while_the_file_is_replaced(
    environment: dict[str, str], tmp_path: Path
) -> None:
    if real_harlequin() is None:
        if os.environ.get("CI"):
            pytest.fail("Harlequin is not installed: make harlequin")
        pytest.skip("NOT TESTED: explore. Harlequin is not installed; `make harlequin` does")
    database = tmp_path / "dicom.duckdb"
    before = database.read_bytes()
    terminal = Terminal(COMMAND, environment)
    try:
        terminal.wait_for("Database Connected")
        made(tmp_path / "next.duckdb", "second").replace(database)
        replaced = database.read_bytes()
        assert replaced != before
        # expand the database, its schema main and processed in the catalog
        terminal.press(F6, DOWN, b" ", DOWN, b" ", DOWN, b" ")
        for name in ("processed_images", "run_info", "series_geometry"):
            terminal.wait_for(name)
    finally:
        terminal.press(CONTROL_Q)
        code = terminal.end()
    assert code == 0
    assert database.read_bytes() == replaced
    assert not list(tmp_path.glob("*.wal"))


def fake(folder: Path, name: str) -> None:
    """Create a program that prints its name and arguments."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text('#!/bin/sh\nprintf "%s\\n" "${0##*/}" "$@"\nexit 7\n')
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("program", "first"),
    [("harlequin", []), ("uvx", ["--from", "harlequin>=2.17,<3", "harlequin"])],
)
def test_explore_starts_the_available_program_read_only(
    environment: dict[str, str], tmp_path: Path, program: str, first: list[str]
) -> None:
    fake(tmp_path / "bin", program)
    # Harlequin in an environment of the project would take precedence
    code = (
        "import sys, pathlib; from dicom_pipeline.operations import explore\n"
        "explore.OWN_ENVIRONMENT = pathlib.Path('nowhere'); sys.executable = '/nowhere/python'\n"
        "from dicom_pipeline.cli.app import app; app(['explore'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"PATH": str(tmp_path / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    database = str(tmp_path / "dicom.duckdb")
    expected = [program, *first, "--adapter", "duckdb", "--read-only", database]
    assert done.stdout.splitlines() == expected, done.stderr
    assert done.returncode == 7  # the exit code of the started program


def test_without_harlequin_a_one_line_error_explains_how_to_install_it(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explore, "OWN_ENVIRONMENT", tmp_path / "none")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    result = CliRunner().invoke(app, ["explore"], env=environment | {"PATH": str(tmp_path)})
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "error: Harlequin is not installed: `uv tool install harlequin`, or `make harlequin` in a "
        "checkout"
    ]


def test_explore_before_the_first_publication_is_an_error(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "dicom.duckdb").unlink()
    result = CliRunner().invoke(app, ["explore"], env=environment)
    assert result.exit_code == 1
    assert result.stderr == "nothing is published yet: dicom-pipeline run\n"
