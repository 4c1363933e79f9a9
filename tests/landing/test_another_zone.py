"""Another landing zone than before: the sample goes without a word, files of one's own do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicom_pipeline.config.settings import load_settings
from dicom_pipeline.landing.sample import put_sample
from dicom_pipeline.landing.scan import ScanRefused
from dicom_pipeline.operations.status import status
from dicom_pipeline.workspace import Pipeline
from tests.endtoend.archive import write_instances


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))


def pipeline(root: Path, landing: str) -> Pipeline:
    (root / landing).mkdir(exist_ok=True)
    return Pipeline(
        load_settings({
            "DICOM_LANDING_URI": str(root / landing),
            "DICOM_RAW_URI": str(root / "raw"),
            "DICOM_WAREHOUSE_DIR": str(root / "warehouse"),
            "DBT_DATABASE_NAME": str(root / "d.duckdb"),
            "DAGSTER_HOME": str(root / "dagster"),
            "DICOM_MIN_FILE_AGE_SECONDS": "0",
        })
    )  # fmt: skip


@pytest.mark.parametrize("own", [0, 25])
def test_after_the_sample_come_files_of_ones_own_without_a_question(
    tmp_path: Path, own: int
) -> None:
    first = pipeline(tmp_path, "sample")
    put_sample(tmp_path / "sample")
    assert first.scan().new == 194
    second = pipeline(tmp_path, "own")
    write_instances(tmp_path / "own", own)
    assert "accept-deletions" not in (status(second, second.reconcile()).next_step or "")
    report = second.scan()
    assert (report.new, report.deleted) == (own, 194)


def test_a_variable_that_was_forgotten_is_named_and_nothing_counts_as_lost(tmp_path: Path) -> None:
    first, second = pipeline(tmp_path, "first"), pipeline(tmp_path, "second")
    write_instances(tmp_path / "first", 25)
    write_instances(tmp_path / "second", 25, prefix="j")
    first.scan()
    list(first.raw_step().refresh(first.manifests.periods()))
    found = status(second, counts := second.reconcile())
    assert (counts.pending, counts.missing, counts.lost) == (25, 25, 0)
    assert any(str(tmp_path / "first") in line for line in found.stale)
    assert "--accept-deletions" in str(found.next_step)
    with pytest.raises(ScanRefused, match="DICOM_LANDING_URI names another"):
        second.scan()
    second.scan(accept_deletions=True)
    assert not any("all tables" in line for line in status(second, second.reconcile()).stale)


def test_a_file_of_the_sample_that_is_another_now_is_ones_own(tmp_path: Path) -> None:
    landing = tmp_path / "sample"
    put_sample(landing)
    (landing / "test_files" / "CT_small.dcm").write_bytes(b"something else")
    first = pipeline(tmp_path, "sample")
    first.scan()
    with pytest.raises(ScanRefused, match="194 of 194"):
        pipeline(tmp_path, "own").scan()
