"""A project directory is created and upgraded without losing what the site edited."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dicom_pipeline import __version__
from dicom_pipeline.config import project
from dicom_pipeline.config.project import RECORD, ProjectDirectoryError, find_project_dir
from dicom_pipeline.operations.project_directory import init
from dicom_pipeline.operations.project_directory.files import project_files
from dicom_pipeline.operations.project_directory.init import InitRefused, create, upgrade

SEED = "dbt_snowflake/seeds/anonymization_mapping.csv"
MACRO = "dbt_snowflake/macros/generate_schema_name.sql"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    create(tmp_path / "site")
    return tmp_path / "site"


def next_version(monkeypatch: pytest.MonkeyPatch, **changed: bytes | None) -> None:
    """The package is another version now, with other files; None removes one."""
    files = project_files() | {name: text for name, text in changed.items() if text is not None}
    files = {name: text for name, text in files.items() if changed.get(name, b"") is not None}
    monkeypatch.setattr(init, "project_files", lambda: files)
    monkeypatch.setattr(init, "__version__", "99.0.0")


def test_a_new_directory_has_the_dbt_project_the_seeds_and_the_configuration(
    directory: Path,
) -> None:
    for name in (SEED, MACRO, "dagster.yaml", "workspace.yaml", "env.sh", ".gitignore", RECORD):
        assert (directory / name).is_file(), name
    assert not list(directory.rglob("target"))
    assert find_project_dir(directory / "dbt_snowflake") is not None


def test_a_directory_with_files_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "scan.dcm").write_bytes(b"DICM")
    with pytest.raises(InitRefused, match="not empty"):
        create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["scan.dcm"]


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("")
    with pytest.raises(InitRefused, match="cannot be written"):
        create(tmp_path / "site")


def test_an_upgrade_replaces_what_nobody_edited_and_lists_what_was_edited(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = (
        directory / SEED
    ).read_bytes() + b"images,own,PatientComments,LT,1,text,remove,remove,,\n"
    (directory / SEED).write_bytes(own)
    (directory / "dbt_snowflake/models/own.sql").write_text("select 1 as x")
    next_version(
        monkeypatch,
        **{SEED: b"new seed\n", MACRO: b"new macro\n", "dbt_snowflake/macros/new.sql": b"new"},
    )
    result = upgrade(directory)
    assert (result.before, result.after) == (__version__, "99.0.0")
    assert result.edited == [SEED]
    assert sorted(result.written) == [MACRO, "dbt_snowflake/macros/new.sql"]
    assert (directory / SEED).read_bytes() == own
    assert (directory / MACRO).read_bytes() == b"new macro\n"
    assert (directory / "dbt_snowflake/models/own.sql").exists()
    assert json.loads((directory / RECORD).read_text())["version"] == "99.0.0"
    assert upgrade(directory).edited == [SEED], "it is listed until it is the shipped file"


def test_an_upgrade_removes_files_that_are_no_longer_shipped_unless_they_were_edited(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "dbt_snowflake/macros/processed/ranked_parents.sql"
    (directory / other).write_text("edited")
    next_version(monkeypatch, **{MACRO: None, other: None})
    result = upgrade(directory)
    assert (result.removed, result.edited) == ([MACRO], [other])
    assert not (directory / MACRO).exists()
    assert (directory / other).read_text() == "edited"


def test_an_upgrade_restores_a_file_that_was_deleted(directory: Path) -> None:
    (directory / MACRO).unlink()
    assert upgrade(directory).written == [MACRO]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"version": "1"}', "\x00"])
def test_a_record_that_cannot_be_read_stops_the_upgrade(directory: Path, content: str) -> None:
    (directory / RECORD).write_text(content)
    with pytest.raises(ProjectDirectoryError, match=f"{RECORD} .* cannot be read"):
        upgrade(directory)


def test_an_upgrade_of_anything_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InitRefused, match="not a project directory"):
        upgrade(tmp_path)


def test_a_run_in_a_directory_of_another_version_stops_with_one_line(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "_FOUND", directory)
    project.require_project_dir()
    monkeypatch.setattr(project, "__version__", "99.0.0")
    with pytest.raises(ProjectDirectoryError, match=r"^[^\n]*init --upgrade \.$"):
        project.require_project_dir()
