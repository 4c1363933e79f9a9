"""Changed landing zone: the sample is replaced without confirmation, own files are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicom_pipeline.config.settings import load_settings
from dicom_pipeline.landing.sample import put_sample
from dicom_pipeline.landing.scan import ScanRefused
from dicom_pipeline.operations.status import Status, status
from dicom_pipeline.orchestration.build_state import build_state
from dicom_pipeline.workspace import Workspace
from tests.endtoend.archive import write_instances
from tests.support.inline_pool import inline_pool


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))


def workspace(root: Path, landing: str) -> Workspace:
    (root / landing).mkdir(exist_ok=True)
    return Workspace(
        load_settings({
            "DICOM_LANDING_URI": str(root / landing),
            "DICOM_RAW_URI": str(root / "raw"),
            "DICOM_WAREHOUSE_DIR": str(root / "warehouse"),
            "DBT_DATABASE_NAME": str(root / "d.duckdb"),
            "DAGSTER_HOME": str(root / "dagster"),
            "DICOM_MIN_FILE_AGE_SECONDS": "0",
        })
    )  # fmt: skip


def status_of(found: Workspace) -> Status:
    return status(found, found.ingest.reconcile(), build_state(found.ingest))


@pytest.mark.parametrize("own", [0, 25])
def test_replacing_the_sample_with_own_files_needs_no_confirmation(
    tmp_path: Path, own: int
) -> None:
    first = workspace(tmp_path, "sample")
    put_sample(tmp_path / "sample")
    assert first.ingest.scan().new == 194
    second = workspace(tmp_path, "own")
    write_instances(tmp_path / "own", own)
    assert "accept-deletions" not in (status_of(second).next_step or "")
    report = second.ingest.scan()
    assert (report.new, report.deleted) == (own, 194)


def test_a_changed_landing_setting_is_reported_and_no_row_counts_as_lost(tmp_path: Path) -> None:
    first, second = workspace(tmp_path, "first"), workspace(tmp_path, "second")
    write_instances(tmp_path / "first", 25)
    write_instances(tmp_path / "second", 25, prefix="j")
    first.ingest.scan()
    with inline_pool():
        list(first.ingest.raw_step().refresh(first.ingest.manifests.periods()))
    counts = second.ingest.reconcile()
    found = status_of(second)
    assert (counts.pending, counts.missing, counts.lost) == (25, 25, 0)
    assert any(str(tmp_path / "first") in line for line in found.stale)
    assert "--accept-deletions" in str(found.next_step)
    with pytest.raises(ScanRefused, match="DICOM_LANDING_URI names another"):
        second.ingest.scan()
    second.ingest.scan(accept_deletions=True)
    assert not any("all tables" in line for line in status_of(second).stale)


def test_a_changed_file_of_the_sample_counts_as_an_own_file(tmp_path: Path) -> None:
    landing = tmp_path / "sample"
    put_sample(landing)
    (landing / "test_files" / "CT_small.dcm").write_bytes(b"something else")
    first = workspace(tmp_path, "sample")
    first.ingest.scan()
    with pytest.raises(ScanRefused, match="194 of 194"):
        workspace(tmp_path, "own").ingest.scan()
