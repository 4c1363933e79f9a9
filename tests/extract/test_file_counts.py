"""File counts from the raw zone alone equal those of reconciliation with a listing."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicom_pipeline.extract.file_counts import count_outcomes
from dicom_pipeline.extract.raw_zone.rejected_files import retry_rejected
from dicom_pipeline.extract.reconciliation import FileCounts
from tests.support.dicom import dataset, encoded
from tests.support.zone import Zone


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    zone = Zone(tmp_path)
    for number, day in enumerate(("20120304", "20120305", "20150607", None)):
        zone.put(f"{number}.dcm", encoded(dataset(number, StudyDate=day)))
    zone.put("again.dcm", encoded(dataset(0, StudyDate="20120304")))
    zone.put("text.txt", b"no header")
    zone.put(".hidden", b"")
    zone.put("half.part", b"")
    zone.load()
    return zone


def counts(counts: FileCounts) -> dict[str, object]:
    """Counts that both have; missing files and stale partitions need a listing and versions."""
    return {
        name: dict(value) if name in ("rejected", "ignored") else value
        for name, value in vars(counts).items()
        if name not in ("missing", "stale_partitions")
    }


def compare(zone: Zone) -> FileCounts:
    ours = count_outcomes(zone.step().partitions)
    assert counts(ours) == counts(zone.reconcile())
    assert ours.balanced
    return ours


def test_counts_of_a_loaded_landing_zone_agree(zone: Zone) -> None:
    ours = compare(zone)
    assert (ours.discovered, ours.loaded, ours.duplicate) == (8, 4, 1)
    assert ours.rejected == {"not_dicom": 1}
    assert ours.ignored == {"hidden_name": 1, "temporary_name": 1}


def test_files_that_are_listed_but_not_read_are_pending(zone: Zone) -> None:
    zone.put("new.dcm", encoded(dataset(8, StudyDate="20120306")))
    zone.put("newer.dcm", encoded(dataset(9, StudyDate="20180306")))
    zone.scan()
    assert compare(zone).pending == 2
    zone.refresh()
    assert compare(zone).loaded == 6


def test_rejected_files_marked_for_retry_are_pending(zone: Zone) -> None:
    retry_rejected(zone.step().partitions)
    assert compare(zone).pending == 1


def test_an_empty_landing_zone_has_empty_counts(tmp_path: Path) -> None:
    empty = Zone(tmp_path)
    assert count_outcomes(empty.step().partitions) == FileCounts()
