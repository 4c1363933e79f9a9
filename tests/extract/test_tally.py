"""Counts of files by the raw zone alone are those of the account, which lists the landing zone."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicom_pipeline.extract.accounting import Account
from dicom_pipeline.extract.rejected import take_again
from dicom_pipeline.extract.tally import tally
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


def counts(account: Account) -> dict[str, object]:
    """What both know: what is gone or stale takes a listing, or the versions."""
    return {
        name: dict(value) if name in ("rejected", "ignored") else value
        for name, value in vars(account).items()
        if name not in ("gone", "stale_partitions")
    }


def compare(zone: Zone) -> Account:
    ours = tally(zone.step().partitions)
    assert counts(ours) == counts(zone.account())
    assert ours.balanced
    return ours


def test_all_is_loaded(zone: Zone) -> None:
    ours = compare(zone)
    assert (ours.discovered, ours.loaded, ours.duplicate) == (8, 4, 1)
    assert ours.rejected == {"not_dicom": 1}
    assert ours.ignored == {"hidden_name": 1, "temporary_name": 1}


def test_files_that_were_found_and_not_read_are_pending(zone: Zone) -> None:
    zone.put("new.dcm", encoded(dataset(8, StudyDate="20120306")))
    zone.put("newer.dcm", encoded(dataset(9, StudyDate="20180306")))
    zone.scan()
    assert compare(zone).pending == 2
    zone.refresh()
    assert compare(zone).loaded == 6


def test_rejects_that_are_taken_again_are_pending(zone: Zone) -> None:
    take_again(zone.step().partitions)
    assert compare(zone).pending == 1


def test_nothing_is_there(tmp_path: Path) -> None:
    empty = Zone(tmp_path)
    assert tally(empty.step().partitions) == Account()
