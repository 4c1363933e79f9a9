"""Only stage tables that passed the leak check, in exactly this version, may be sent."""

from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from dicom_pipeline.warehouse import warehouse as warehouse_module
from dicom_pipeline.warehouse.checked_stage import forget_checked, is_checked, record_checked
from dicom_pipeline.warehouse.duckdb.publish import PublishRefused
from dicom_pipeline.warehouse.leak_check import Finding, LeakReport
from dicom_pipeline.warehouse.warehouse import Warehouse


@pytest.fixture
def build(tmp_path: Path) -> Path:
    path = tmp_path / "build.duckdb"
    change(path, "create schema stage")
    for table in ("staged_images", "staged_series"):
        columns = "'p' as period_key, 'v' as stage_version"
        change(path, f"create table stage.{table} as select {columns}")
    return path


def change(build: Path, statement: str) -> None:
    with duckdb.connect(str(build)) as connection:
        connection.execute(statement)


def test_no_tables_are_checked_before_a_check(build: Path) -> None:
    assert not is_checked(build)
    assert not is_checked(build.with_name("no.duckdb"))


@pytest.mark.parametrize(
    "statement",
    [
        "update stage.staged_series set stage_version = 'w'",
        "insert into stage.staged_images values ('q', 'v')",
        "insert into stage.staged_images values ('p', 'v')",
        "delete from stage.staged_series",
        "drop table stage.staged_series",
    ],
)
def test_a_check_counts_for_the_checked_versions_only(build: Path, statement: str) -> None:
    record_checked(build)
    assert is_checked(build)
    change(build, statement)
    assert not is_checked(build)


def test_a_forgotten_check_does_not_count(build: Path) -> None:
    record_checked(build)
    forget_checked(build)
    assert not is_checked(build)


@pytest.mark.parametrize(
    ("on_snowflake", "findings", "is_sent"),
    [(True, [], True), (True, [Finding("t", "c", 1, "x")], False), (False, [], False)],
    ids=["passed", "failed", "without stage"],
)
def test_stage_is_sent_only_after_a_check_of_it_that_passed(
    build: Path,
    monkeypatch: pytest.MonkeyPatch,
    on_snowflake: bool,
    findings: list[Finding],
    is_sent: bool,
) -> None:
    record_checked(build)  # of an earlier check
    settings = SimpleNamespace(warehouse_dir=build.parent, raw_dir=build.parent, profile="research")
    warehouse = Warehouse(settings, SimpleNamespace(mapping=None))  # type: ignore[arg-type]
    server = SimpleNamespace(load=lambda: "loaded")
    monkeypatch.setattr(Warehouse, "snowflake", server if on_snowflake else None)
    monkeypatch.setattr(
        warehouse_module, "check_for_leaks", lambda *_: LeakReport(findings=findings)
    )
    warehouse.check_for_leaks()
    monkeypatch.setattr(Warehouse, "snowflake", server)
    if is_sent:
        assert warehouse.load_snowflake() == "loaded"  # type: ignore[comparison-overlap]
    else:
        with pytest.raises(PublishRefused, match="have not passed the leak check"):
            warehouse.load_snowflake()
