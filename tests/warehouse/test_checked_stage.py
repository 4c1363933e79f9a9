"""Only stage tables that passed the leak check, in exactly this version, leave the zone."""

import stat
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dicom_pipeline.config.settings import Settings
from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.mapping.attribute_mapping import load_mapping
from dicom_pipeline.warehouse import warehouse as warehouse_module
from dicom_pipeline.warehouse.checked_stage import forget_checked, is_checked, record_checked
from dicom_pipeline.warehouse.duckdb.publish import PublishRefused, PublishReport
from dicom_pipeline.warehouse.leak_check.findings_file import (
    COLUMNS,
    ensure_findings,
    findings_path,
    removed_cells,
    write_findings,
)
from dicom_pipeline.warehouse.leak_check.report import Finding, LeakReport, RemovedCells
from dicom_pipeline.warehouse.snowflake.load import LoadReport
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


class FakeCheck:
    """Results of the leak check, one after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *reports: LeakReport) -> None:
        self.reports = list(reports)
        self.steps: list[str] = []
        monkeypatch.setattr(warehouse_module, "check_for_leaks", self._check)

    def _check(self, *_: object, after_removal: bool) -> LeakReport:
        self.steps.append("check again" if after_removal else "check")
        return self.reports.pop(0)

    def rebuild(self) -> None:
        self.steps.append("rebuild")


def warehouse_of(build: Path) -> Warehouse:
    settings = SimpleNamespace(
        warehouse_dir=build.parent, raw_dir=build.parent, profile="research",
        database=build.parent / "published.duckdb", leak_limit_patients=5, leak_limit_fraction=0.01,
        audit_retention_days=0,
    )  # fmt: skip
    return Warehouse(
        cast(Settings, settings), cast(Ingest, SimpleNamespace(mapping=load_mapping()))
    )


ROW = dict.fromkeys(COLUMNS, "x")
NO_ROWS = pa.table({name: pa.array([], pa.string()) for name in COLUMNS})
ONE_ROW = pa.Table.from_pylist([ROW], schema=NO_ROWS.schema)
STOP = [Finding("stage.staged_studies", "c", 1, "x")]
PASSED = LeakReport(rows=NO_ROWS)
FOUND = LeakReport(found=1, rows=ONE_ROW)
REMOVED = LeakReport(rows=ONE_ROW)
STOPPED = LeakReport(findings=STOP, rows=NO_ROWS)
ABOVE_LIMIT = LeakReport(findings=STOP, found=1, rows=ONE_ROW)
STILL_FOUND = LeakReport(findings=STOP, found=1, rows=ONE_ROW)


@pytest.mark.parametrize(
    ("reports", "steps", "rows", "passes"),
    [
        ([PASSED], ["check"], 0, True),
        ([REMOVED], ["check"], 1, True),
        ([STOPPED], ["check"], 2, False),
        ([FOUND, REMOVED], ["check", "rebuild", "check again"], 1, True),
        ([FOUND, STILL_FOUND], ["check", "rebuild", "check again"], 1, False),
        ([ABOVE_LIMIT], ["check"], 2, False),
    ],
    ids=["nothing", "removed earlier", "stopped", "removed", "found again", "above the limits"],
)
def test_cells_are_removed_and_what_passed_is_recorded(
    build: Path,
    monkeypatch: pytest.MonkeyPatch,
    reports: list[LeakReport],
    steps: list[str],
    rows: int,
    passes: bool,
) -> None:
    record_checked(build)  # of an earlier check
    write_findings(findings_path(build.parent), pa.concat_tables([ONE_ROW, ONE_ROW]))
    fake = FakeCheck(monkeypatch, *reports)
    report = warehouse_of(build).check_for_leaks(fake.rebuild)
    assert fake.steps == steps
    assert report.passed == passes == is_checked(build)
    path = findings_path(build.parent)
    assert pq.read_table(path).num_rows == rows
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_interrupted_check_leaves_no_record(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_checked(build)
    FakeCheck(monkeypatch, FOUND)

    def rebuild() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        warehouse_of(build).check_for_leaks(rebuild)
    assert not is_checked(build)


@pytest.mark.parametrize("is_passed", [True, False])
def test_stage_is_sent_and_published_only_as_it_passed_the_check(
    build: Path, monkeypatch: pytest.MonkeyPatch, is_passed: bool
) -> None:
    fake = FakeCheck(monkeypatch, PASSED)
    warehouse = warehouse_of(build)
    loaded, published = LoadReport(1, 1, 0, 1), PublishReport()
    monkeypatch.setattr(Warehouse, "snowflake", SimpleNamespace(load=lambda: loaded))
    monkeypatch.setattr(Warehouse, "_documentation", lambda *_: (None, None))
    monkeypatch.setattr(warehouse_module, "publish", lambda *_: published)
    warehouse.check_for_leaks(fake.rebuild)
    if is_passed:
        assert warehouse.load_snowflake() is loaded
        assert warehouse.publish(build) is published
        return
    change(build, "update stage.staged_series set stage_version = 'w'")
    for step in (warehouse.load_snowflake, lambda: warehouse.publish(build)):
        with pytest.raises(PublishRefused, match="have not passed the leak check"):
            step()


def test_the_file_of_findings_exists_before_the_first_build(tmp_path: Path) -> None:
    path = findings_path(tmp_path)
    assert removed_cells(path) == []
    ensure_findings(path)
    assert pq.read_table(path).column_names == list(COLUMNS)
    write_findings(path, ONE_ROW)
    ensure_findings(path)
    assert removed_cells(path) == [RemovedCells("stage.staged_x", "x", 1, 0)]
    path.write_bytes(path.read_bytes()[:-9])
    ensure_findings(path)
    assert removed_cells(path) == []
