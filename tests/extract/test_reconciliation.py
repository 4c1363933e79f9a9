"""Reconciliation accounts for every file and detects one that is not accounted for."""

import os
import subprocess
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dicom_pipeline.extract.tables import REJECTED
from dicom_pipeline.landing.manifest import now
from tests.support.dicom import instance
from tests.support.zone import Zone

PERIOD = "2012-03"


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    zone = Zone(tmp_path)
    zone.put("1", instance(1))
    zone.put("1 again", instance(1))
    zone.put("2/2", instance(2))
    zone.put("text", b"text")
    zone.put(".hidden", b"")
    zone.put("x.part", b"")
    (zone.landing / "link").symlink_to("2")
    os.mkfifo(zone.landing / "pipe")
    zone.load()
    return zone


def tamper(zone: Zone, table: str, change: str) -> None:
    path = zone.raw.path(table, PERIOD)
    rows = pq.ParquetFile(path).read()
    rows = rows.slice(1) if change == "lose" else pa.concat_tables([rows, rows.slice(0, 1)])
    pq.write_table(rows, path)


def test_the_sum_of_the_counts_equals_the_count_of_find(zone: Zone) -> None:
    counts = zone.reconcile()
    command = ["find", os.fspath(zone.landing), "!", "-type", "d"]
    count = len(subprocess.run(command, capture_output=True, check=True).stdout.splitlines())
    assert counts.discovered == count == 8
    assert (counts.loaded, counts.duplicate, counts.pending) == (2, 1, 0)
    assert counts.rejected == {"not_dicom": 1}
    assert counts.ignored == {
        "hidden_name": 1, "temporary_name": 1, "symlink": 1, "not_a_regular_file": 1,
    }  # fmt: skip
    assert counts.balanced


def test_before_the_first_run_all_files_are_pending(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    zone.put("1", instance(1))
    for _ in range(2):
        counts = zone.reconcile()
        assert (counts.pending, counts.balanced) == (1, True)
        zone.scan()


def test_a_lost_row_is_detected(zone: Zone) -> None:
    tamper(zone, "images", "lose")
    counts = zone.reconcile()
    assert (counts.lost, counts.balanced) == (1, False)


def test_a_lost_reject_is_detected(zone: Zone) -> None:
    path = zone.raw.path(REJECTED, "undated")
    rows = pq.ParquetFile(path).read()
    pq.write_table(rows.slice(1), path)
    counts = zone.reconcile()
    assert (counts.lost, counts.balanced) == (1, False)


@pytest.mark.parametrize("table", ["images", "patients", REJECTED])
def test_the_files_of_a_partition_without_one_of_its_tables_are_pending(
    zone: Zone, table: str
) -> None:
    zone.raw.path(table, PERIOD).unlink()
    counts = zone.reconcile()
    assert (counts.loaded, counts.duplicate, counts.pending) == (0, 0, 3)
    assert counts.balanced


@pytest.mark.parametrize(
    ("table", "period", "lost"), [("images", PERIOD, 3), (REJECTED, "undated", 1)]
)
def test_a_damaged_page_of_a_table_is_detected_although_its_version_can_be_read(
    zone: Zone, table: str, period: str, lost: int
) -> None:
    path = zone.raw.path(table, period)
    group = pq.read_metadata(path).row_group(0)
    [column] = [
        group.column(n)
        for n in range(group.num_columns)
        if group.column(n).path_in_schema == "file_path"
    ]
    end = column.data_page_offset + column.total_compressed_size
    if column.has_dictionary_page:
        end += column.dictionary_page_offset - column.data_page_offset
    data = bytearray(path.read_bytes())
    data[end - 1] ^= 0xFF
    path.write_bytes(data)
    counts = zone.reconcile()
    assert (counts.lost, counts.balanced) == (lost, False)


def test_a_duplicated_row_is_detected(zone: Zone) -> None:
    tamper(zone, "images", "double")
    counts = zone.reconcile()
    assert (counts.duplicate_rows, counts.balanced) == (1, False)


def test_a_file_missing_from_manifest_and_listing_is_detected(zone: Zone) -> None:
    rows = [row for row in zone.manifests.read(PERIOD) if row.file.path != "2/2"]
    zone.manifests.write(PERIOD, rows)
    state = zone.manifests.read_state()
    assert state is not None
    time.sleep(0.05)
    began_at = now()  # a scan after which no file has arrived
    zone.manifests.write_state(type(state)(began_at, True, 0, {}))
    counts = zone.reconcile()
    assert (counts.lost, counts.balanced) == (1, False)


def test_files_that_arrive_during_a_run_are_pending(zone: Zone) -> None:
    path = zone.put("new", instance(9))
    os.utime(path, (0, 0))
    counts = zone.reconcile()
    assert (counts.pending, counts.balanced) == (1, True)


def test_files_that_arrive_after_the_clock_was_set_back_are_pending(zone: Zone) -> None:
    state = zone.manifests.read_state()
    assert state
    # the last scan used a clock that was ahead
    zone.manifests.write_state(replace(state, began_at=state.began_at + timedelta(days=2)))
    zone.put("late.dcm", instance(99))
    counts = zone.reconcile()
    assert (counts.pending, counts.lost) == (1, 0)
    assert counts.balanced


def test_a_folder_that_is_moved_into_the_landing_zone_during_a_run_is_pending(
    tmp_path: Path,
) -> None:
    """Moving the folder does not change the inodes of its files."""
    zone = Zone(tmp_path)
    aside = tmp_path / "aside" / "deep"
    aside.mkdir(parents=True)
    (aside / "file").write_bytes(instance(5))
    zone.put("1", instance(1))
    time.sleep(0.05)
    zone.load()
    (tmp_path / "aside").rename(zone.landing / "aside")
    counts = zone.reconcile()
    assert (counts.pending, counts.lost, counts.balanced) == (1, 0, True)


def test_files_deleted_during_a_run_are_not_reported_as_missing(zone: Zone) -> None:
    (zone.landing / "1").unlink()
    counts = zone.reconcile()
    assert (counts.discovered, counts.missing, counts.balanced) == (7, 1, True)


def test_files_behind_followed_links_are_accounted_for(tmp_path: Path) -> None:
    zone = Zone(tmp_path, follow_symlinks=True)
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep/1").write_bytes(instance(1))
    (outside / "2").write_bytes(instance(2))
    zone.put("here", instance(3))
    (zone.landing / "to_all").symlink_to(outside)
    (zone.landing / "again").symlink_to(outside)
    (zone.landing / "one").symlink_to(outside / "2")
    zone.load()
    counts = zone.reconcile()
    assert (counts.discovered, counts.loaded, counts.duplicate) == (5, 3, 1)
    assert counts.ignored == {"symlink": 1}
    assert counts.balanced


def test_a_partition_with_many_pending_files_is_not_read_once_per_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = Zone(tmp_path)
    for n in range(30):
        zone.put(str(n), instance(n))
    zone.scan()
    reads: list[str] = []
    real = type(zone.manifests).read
    monkeypatch.setattr(
        type(zone.manifests), "read", lambda self, p: reads.append(p) or real(self, p)
    )
    assert zone.reconcile().pending == 30
    assert len(reads) <= 3


def test_a_file_that_changed_since_it_was_loaded_is_pending(zone: Zone) -> None:
    before = zone.reconcile()
    zone.put("2/2", instance(2, StudyDescription="written again"))
    zone.scan()
    counts = zone.reconcile()
    assert (counts.loaded, counts.pending) == (before.loaded - 1, 1)
    assert counts.balanced
    zone.load()
    counts = zone.reconcile()
    assert (counts.loaded, counts.pending) == (before.loaded, 0)
