"""Partitions that one worker processes alone, and the fallback when it fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicom_pipeline.extract import raw_step
from dicom_pipeline.extract.partition import PartitionReport
from dicom_pipeline.extract.pool import process_partitions
from dicom_pipeline.extract.raw_step import RawStep
from dicom_pipeline.mapping.attribute_mapping import MAPPING_CSV
from tests.support.dicom import instance
from tests.support.hostile import HostilePlan
from tests.support.zone import Zone


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    return Zone(tmp_path)


def months(zone: Zone, files: int, months: int = 9) -> None:
    for n in range(files):
        zone.put(f"{n:03}", instance(n, StudyDate=f"20120{n % months + 1}15"))


def hostile_step(zone: Zone) -> RawStep:
    plan = HostilePlan(zone.landing, zone.raw_dir, MAPPING_CSV)
    return RawStep(plan.partitions(), plan, workers=2)


@pytest.mark.parametrize("order", ["KILL", "EXIT", "MEMORY"])
def test_a_file_that_kills_the_worker_of_a_partition_affects_no_other_file(
    zone: Zone, order: str
) -> None:
    months(zone, 27)
    zone.scan()
    # other bytes with the same length and time: only the reader notices them
    victim = zone.landing / "004"
    status = victim.stat()
    victim.write_bytes(order.encode().ljust(status.st_size))
    os.utime(victim, ns=(status.st_atime_ns, status.st_mtime_ns))
    reports = list(hostile_step(zone).refresh(zone.manifests.periods()))
    assert len(reports) == 9
    assert zone.rejects() == {"004": "worker_crashed"}
    assert len(zone.images()) == 26
    assert zone.reconcile().balanced


def test_a_worker_processes_a_small_partition_alone_but_not_a_large_one(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    months(zone, 18)
    for n in range(18, 48):
        zone.put(f"{n:03}", instance(n, StudyDate="20130115"))
    zone.scan()
    asked: list[str] = []

    def recorded(periods: dict[str, int], *a: object, **k: object) -> Iterator[object]:
        asked.extend(periods)
        return process_partitions(periods, *a, **k)  # type: ignore[arg-type]

    monkeypatch.setattr(raw_step, "process_partitions", recorded)
    reports = zone.refresh(workers=2)
    assert sorted(asked) == [f"2012-0{n}" for n in range(1, 10)]
    assert sorted(report.period for report in reports) == zone.manifests.periods()
    assert zone.reconcile().balanced


def test_a_partition_has_the_same_bytes_whether_or_not_one_worker_processes_it_alone(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    months(zone, 27)
    zone.put("not", b"no DICOM at all")
    zone.put("twice", instance(3, StudyDate="20120415"))
    zone.scan()
    alone = {report.period: report for report in zone.refresh(workers=2)}
    before = zone.bytes()
    monkeypatch.setattr(raw_step, "MAX_FILES_PER_WORKER_PARTITION", 0)
    pieces = {report.period: report for report in zone.refresh(workers=2, force=True)}
    assert zone.bytes() == before
    assert alone == pieces
    assert alone["2012-04"] == PartitionReport(
        "2012-04", alone["2012-04"].version, files=4, read=4, loaded=3, duplicate=1,
        rows=alone["2012-04"].rows, bytes_written=alone["2012-04"].bytes_written,
    )  # fmt: skip


def test_a_raw_zone_that_is_not_writable_is_an_error_of_the_raw_step(zone: Zone) -> None:
    months(zone, 18)
    zone.scan()
    (zone.raw_dir / "images").mkdir(parents=True)
    (zone.raw_dir / "images" / "study_period=2012-03").write_bytes(b"a file in the way")
    with pytest.raises(OSError):
        zone.refresh(workers=2)


def test_a_file_that_can_no_longer_be_opened_keeps_its_row_if_rows_outlive_files(
    tmp_path: Path,
) -> None:
    zone = Zone(tmp_path, keep=True)
    months(zone, 18)
    zone.load()
    zone.put("004", instance(4, StudyDate="20120515", SeriesDescription="changed"))
    zone.scan()
    (zone.landing / "004").unlink()
    zone.refresh(workers=2)
    assert len(zone.images()) == 18
