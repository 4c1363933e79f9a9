"""Lost manifests and an unavailable landing zone: no row is deleted."""

from __future__ import annotations

import os
import resource
import shutil
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.extract.raw_zone.manifest_recovery import recover_manifests
from dicom_pipeline.landing.scan import ScanRefused
from tests.support.dicom import instance
from tests.support.zone import Zone


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    """Landing zone with twelve loaded files of four months."""
    made = Zone(tmp_path)
    for number in range(12):
        made.put(f"{number}", instance(number, StudyDate=f"2012{1 + number % 4:02d}04"))
    made.load()
    return made


def manifests(zone: Zone) -> dict[str, object]:
    """Rows of all manifests without the time at which a file was first seen."""
    return {
        period: [(row.file, row.study_day, row.opened) for row in zone.manifests.read(period)]
        for period in zone.manifests.periods()
    }


def test_manifests_are_recovered_from_parquet_and_files(zone: Zone) -> None:
    before = manifests(zone)
    (zone.raw_dir / "manifests" / "study_period=2012-02.parquet").unlink()
    (zone.raw_dir / "manifests" / "study_period=2012-03.parquet").write_bytes(b"PAR1 no more")
    assert recover_manifests(zone.step().partitions, corrupt_too=True) == 2
    zone.scan()
    assert manifests(zone) == before
    assert sum(report.read for report in zone.refresh()) == 0
    assert recover_manifests(zone.step().partitions, corrupt_too=True) == 0


def test_files_with_rows_are_reported_as_missing_even_if_their_manifests_are_lost(
    zone: Zone,
) -> None:
    before = zone.images()
    shutil.rmtree(zone.raw_dir / "manifests")
    for path in zone.landing.iterdir():
        path.unlink()
    recover_manifests(zone.step().partitions)
    with pytest.raises(ScanRefused, match="12 of 12 known files are gone"):
        zone.scan()
    assert zone.images() == before


def test_a_landing_zone_that_becomes_empty_while_it_is_read_deletes_no_row(zone: Zone) -> None:
    before = zone.images()
    for path in zone.landing.iterdir():
        path.unlink()
    with pytest.raises(StorageUnavailable, match="became empty while its files were read"):
        zone.refresh(force=True)
    assert zone.images() == before


def test_corrupt_parquet_is_set_aside_if_rows_outlive_their_files(tmp_path: Path) -> None:
    zone = Zone(tmp_path, keep=True)
    zone.put("1", instance(1))
    zone.load()
    path = zone.raw.path("images", "2012-03")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    zone.refresh()
    assert list(zone.images()) == ["1"]
    assert path.with_name("data.parquet.damaged").read_bytes() == data[: len(data) // 2]


def test_a_corrupt_table_deletes_no_row_of_a_missing_file_in_other_tables(tmp_path: Path) -> None:
    zone = Zone(tmp_path, keep=True)
    zone.put("1", instance(1))
    zone.put("2", instance(2))
    zone.load()
    (zone.landing / "1").unlink()
    zone.load()
    assert list(zone.images()) == ["1", "2"]
    devices, images = (zone.raw.path(table, "2012-03") for table in ("devices", "images"))
    for again in ("", ".2"):
        devices.write_bytes(devices.read_bytes()[:-20])
        rows = images.read_bytes()
        zone.refresh()
        assert list(zone.images()) == ["2"]
        assert images.with_name(f"data.parquet.damaged{again}").read_bytes() == rows
        assert pq.read_table(images.with_name("data.parquet.damaged")).num_rows == 2


def test_parquet_that_cannot_be_opened_temporarily_is_not_treated_as_corrupt(zone: Zone) -> None:
    raw = zone.raw
    raw.read("images", "2012-01")  # loads modules and opens the files that are opened once only
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = max(int(name) for name in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use, hard))
    spare = []
    try:
        with suppress(OSError):
            while True:
                spare.append(os.open("/dev/null", os.O_RDONLY))
        with pytest.raises(OSError, match="Too many open files"):
            raw.is_corrupt("2012-01")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in spare:
            os.close(descriptor)
    assert not raw.is_corrupt("2012-01")
