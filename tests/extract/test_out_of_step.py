"""Rows of files with a fault in their header: whole, or rejected and counted."""

from pathlib import Path

import pytest

from dicom_pipeline.extract.tables import REJECTED
from tests.headers.raw_elements import Writer
from tests.headers.test_whole_headers import header_with, private
from tests.support.dicom import instance
from tests.support.zone import Zone

W = Writer("explicit")
RECOVERED = {
    "stray item delimiter": W.sequence(0x00081140, defined=True) + W.mark(0xE00D),
    "stray sequence delimiter": W.element(0x00081040, "LO", b"DEPT") + W.mark(0xE0DD),
    "blank VR": private(W) + W.element(0x00091001, b"  ", b"abcd"),
    "sequence not ended": W.sequence(
        0x00081140, W.item(W.element(0x00081155, "UI", b"1.2"), defined=False, end=b""),
        defined=False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", RECOVERED)
def test_a_name_behind_a_fault_is_a_term_and_its_rows_are_those_of_the_whole_file(
    tmp_path: Path, kind: str
) -> None:
    zone = Zone(tmp_path)
    zone.put("whole", header_with(W, b""))
    zone.load()
    whole = {table: without_version(zone, table) for table in ("patients", "studies", "series")}
    zone.put("whole", header_with(W, RECOVERED[kind]))
    zone.load()
    (row,) = zone.images().values()
    assert row["recovered_elements"] == 1
    (terms,) = zone.rows("identity_terms")
    assert "young" in terms["terms"].lower()
    assert "hand" in terms["terms"].lower()
    assert whole == {table: without_version(zone, table) for table in whole}


def without_version(zone: Zone, table: str) -> list[dict[str, object]]:
    return [{k: v for k, v in row.items() if k != "raw_version"} for row in zone.rows(table)]


def test_a_malformed_header_is_rejected_with_its_fault_and_without_a_value(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    zone.put("short", header_with(W, W.element(0x00081010, "SH", b"ROOM ONE", 6)))
    zone.put("item", header_with(W, W.item(b"", defined=True)))
    zone.put("whole", instance(1))
    zone.scan()
    reports = zone.refresh()
    faults = {row["file_path"]: (row["reason"], row["fault"]) for row in zone.rows(REJECTED)}
    assert faults == {"short": ("malformed", "tag"), "item": ("malformed", "delimiter")}
    assert sum(report.read_and_rejected for report in reports) == 2
    counts = zone.reconcile()
    assert counts.balanced
    assert counts.rejected == {"malformed": 2}
    zone.put("another", instance(2))
    zone.scan()
    reports = zone.refresh()
    assert sum(report.read_and_rejected for report in reports) == 0  # of the new files only


def test_files_of_git_annex_are_loaded_if_links_are_followed(tmp_path: Path) -> None:
    zone = Zone(tmp_path, follow_symlinks=True)
    for number in range(5):
        stored = zone.put(f".git/annex/objects/{number}/key/key", instance(number))
        link = zone.landing / "sub-01" / f"{number:03}.dcm"
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(Path("..") / stored.relative_to(zone.landing))
    zone.load()
    counts = zone.reconcile()
    assert (counts.discovered, counts.loaded, counts.balanced) == (10, 5, True)
    assert counts.ignored == {"hidden_name": 5}
    assert set(zone.images()) == {f"sub-01/{number:03}.dcm" for number in range(5)}
