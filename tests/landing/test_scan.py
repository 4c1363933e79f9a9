"""A scan detects new, changed, moved and deleted files, with safeguards against false deletions."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.config.settings import Granularity, OnDelete
from dicom_pipeline.landing.directory import DirectoryStorage
from dicom_pipeline.landing.manifest import ManifestRow, ManifestStore
from dicom_pipeline.landing.scan import Scanner, ScanRefused, ScanRules
from tests.support.dicom import instance
from tests.support.zone import Zone


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    return Zone(tmp_path)


def files_by_period(zone: Zone) -> dict[str, list[str]]:
    found = {p: [row.file.path for row in zone.manifests.read(p)] for p in zone.manifests.periods()}
    return {period: paths for period, paths in found.items() if paths}


def fill(zone: Zone, count: int) -> list[Path]:
    return [zone.put(f"{n:03}.dcm", instance(n)) for n in range(count)]


class Watched(DirectoryStorage):
    """Storage that calls a function before it opens a file."""

    before_open: Callable[[str], object] = staticmethod(lambda path: None)

    def open(self, path: str) -> OpenFile:
        self.before_open(path)
        return super().open(path)


def test_new_files_are_in_the_partition_of_the_month_of_their_study(zone: Zone) -> None:
    zone.put("a", instance(1))
    zone.put("b/c", instance(2, StudyDate="20111231"))
    zone.put("d", b"not DICOM")
    report = zone.scan()
    assert files_by_period(zone) == {"2012-03": ["a"], "2011-12": ["b/c"], "undated": ["d"]}
    assert (report.listed, report.new, report.changed, report.deleted) == (3, 3, 0, 0)
    assert report.partitions == ["2011-12", "2012-03", "undated"]


def test_an_unchanged_zone_is_scanned_without_opening_a_file_or_writing_a_manifest(
    tmp_path: Path,
) -> None:
    zone = Zone(tmp_path)
    fill(zone, 3)
    zone.scan()
    before = {p: p.stat().st_ino for p in (zone.raw_dir / "manifests").glob("*.parquet")}

    def refuse(path: str) -> None:
        raise AssertionError("a file was opened")

    watched = Watched(zone.landing)
    watched.before_open = refuse  # type: ignore[method-assign]
    report = Scanner(watched, zone.manifests, ScanRules(Granularity.MONTH)).run()
    assert (report.listed, report.new, report.partitions) == (3, 0, [])
    assert before == {p: p.stat().st_ino for p in (zone.raw_dir / "manifests").glob("*.parquet")}


def test_an_edit_that_keeps_the_size_is_a_change(zone: Zone) -> None:
    path = zone.put("a", instance(1, PatientID="4711"))
    zone.scan()
    (before,) = zone.manifests.read("2012-03")
    zone.put("a", instance(1, PatientID="4712"))
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    report = zone.scan()
    (after,) = zone.manifests.read("2012-03")
    assert (report.new, report.changed, report.moved) == (0, 1, 0)
    assert before.file.size == after.file.size
    assert before.file != after.file
    assert before.first_seen == after.first_seen


def test_a_file_with_a_changed_study_date_moves_to_another_partition(zone: Zone) -> None:
    path = zone.put("a", instance(1))
    zone.put("b", instance(2))
    zone.scan()
    zone.put("a", instance(1, StudyDate="20130304"))
    os.utime(path, ns=(0, 1))
    report = zone.scan()
    assert files_by_period(zone) == {"2012-03": ["b"], "2013-03": ["a"]}
    assert (report.changed, report.moved, report.partitions) == (1, 1, ["2012-03", "2013-03"])


def test_a_deleted_file_is_removed_and_returns_with_the_same_time(zone: Zone) -> None:
    path, other = zone.put("a", instance(1)), zone.put("b", instance(2))
    zone.scan()
    before = zone.manifests.read("2012-03")
    shutil.copy2(path, zone.raw_dir / "aside")
    path.unlink()
    assert zone.scan().deleted == 1
    assert files_by_period(zone) == {"2012-03": [other.name]}
    shutil.copy2(zone.raw_dir / "aside", path)
    assert zone.scan().new == 1
    after = zone.manifests.read("2012-03")
    assert [row.file for row in after] == [row.file for row in before]


def test_many_deleted_files_at_once_stop_the_scan_until_a_person_confirms(zone: Zone) -> None:
    files = fill(zone, 20)
    zone.scan()
    for path in files[:5]:
        path.unlink()
    zone.put("new", instance(99))
    before = [p.read_bytes() for p in sorted(zone.raw_dir.rglob("*.parquet"))]
    with pytest.raises(ScanRefused, match=r"5 of 20 .* dicom-pipeline scan --accept-deletions"):
        zone.scan()
    assert before == [p.read_bytes() for p in sorted(zone.raw_dir.rglob("*.parquet"))]
    report = zone.scan(accept=True)
    assert (report.deleted, report.new) == (5, 1)


def test_a_share_of_the_files_up_to_the_limit_may_be_deleted(zone: Zone) -> None:
    files = fill(zone, 20)
    zone.scan()
    for path in files[:4]:
        path.unlink()
    assert zone.scan().deleted == 4


def test_the_limit_does_not_apply_to_fewer_than_twenty_files(zone: Zone) -> None:
    files = fill(zone, 19)
    zone.scan()
    for path in files[:18]:
        path.unlink()
    assert zone.scan().deleted == 18


@pytest.mark.parametrize("left", [[], [".hidden", "x.part"]])
def test_a_suddenly_empty_landing_zone_is_never_treated_as_deletions(
    zone: Zone, left: list[str]
) -> None:
    (path,) = fill(zone, 1)
    zone.scan()
    path.unlink()
    for name in left:
        zone.put(name, b"")
    with pytest.raises(ScanRefused, match="1 of 1"):
        zone.scan()
    assert files_by_period(zone) == {"2012-03": ["000.dcm"]}
    assert zone.scan(accept=True).deleted == 1


def test_a_missing_landing_zone_stops_the_scan_even_if_deletions_are_accepted(zone: Zone) -> None:
    fill(zone, 1)
    zone.scan()
    zone.landing.rename(zone.landing.with_name("unmounted"))
    for accept in (False, True):
        with pytest.raises(ScanRefused, match="DICOM_LANDING_URI"):
            zone.scan(accept=accept)
    zone.landing.write_text("a file in its place")
    with pytest.raises(ScanRefused, match="DICOM_LANDING_URI"):
        zone.scan(accept=True)
    assert files_by_period(zone) == {"2012-03": ["000.dcm"]}


def test_deleted_files_stay_in_the_manifest_with_on_delete_keep(tmp_path: Path) -> None:
    zone = Zone(tmp_path, keep=True)
    files = fill(zone, 30)
    zone.scan()
    for path in files:
        path.unlink()
    report = zone.scan()
    assert (report.deleted, report.kept, report.partitions) == (0, 30, [])
    assert len(files_by_period(zone)["2012-03"]) == 30


def test_a_listing_with_errors_deletes_nothing(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    zone.put("a/x", instance(1))
    zone.put("b/y", instance(2))
    zone.scan()
    (zone.landing / "b/y").unlink()
    real = os.scandir

    def failing(path: str) -> object:
        if str(path).endswith("/a"):
            raise OSError(5, "Input/output error")
        return real(path)

    monkeypatch.setattr(os, "scandir", failing)
    report = zone.scan(accept=True)
    assert (report.errors, report.deleted) == (1, 0)
    assert files_by_period(zone) == {"2012-03": ["a/x", "b/y"]}
    state = zone.manifests.read_state()
    assert state is not None
    assert not state.complete


def test_a_scan_that_runs_out_of_time_deletes_nothing_and_the_next_scans_complete_it(
    zone: Zone,
) -> None:
    fill(zone, 5)
    zone.scan()
    (zone.landing / "000.dcm").unlink()
    for n in range(5):
        zone.put(f"folder{n}/x", instance(10 + n))
    start = 0
    for _ in range(20):
        report = zone.scan(budget=0.0, start=start)
        assert report.deleted == 0
        start = report.next_start
    assert files_by_period(zone) == {"2012-03": [f"{n:03}.dcm" for n in range(5)]}
    report = zone.scan(budget=60.0, start=start)
    assert (report.cut_short, report.postponed, report.deleted, report.new) == (False, 0, 1, 5)


def test_reading_of_partition_keys_that_runs_out_of_time_continues_at_the_next_scan(
    tmp_path: Path,
) -> None:
    zone = Zone(tmp_path)
    fill(zone, 6)
    watched = Watched(zone.landing)
    watched.before_open = lambda path: time.sleep(0.1)  # type: ignore[method-assign]
    counts = []
    while not counts or counts[-1][1]:
        scanner = Scanner(watched, zone.manifests, ScanRules(Granularity.MONTH), budget=0.15)
        report = scanner.run()
        counts.append((report.new, report.postponed))
        state = zone.manifests.read_state()
        assert state is not None
        assert state.complete == (report.postponed == 0)
    assert len(counts) > 1
    assert sum(new for new, _ in counts) == 6


def test_files_below_the_minimum_age_are_neither_new_nor_deleted(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    path = zone.put("a", instance(1))
    zone.scan()
    zone.storage.min_file_age_seconds = 60
    os.utime(path, ns=(0, 5))
    zone.put("b", instance(2))
    report = zone.scan()
    assert (report.unsettled, report.new, report.changed, report.deleted) == (2, 0, 0, 0)
    zone.storage.min_file_age_seconds = 0
    report = zone.scan()
    assert (report.unsettled, report.new, report.changed) == (0, 1, 1)


def test_a_change_of_granularity_repartitions_without_opening_a_file(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    zone.put("a", instance(1))
    zone.put("b", instance(2, StudyDate="20120405"))
    zone.put("c", b"undated")
    zone.scan()

    def refuse(path: str) -> None:
        raise AssertionError("a file was opened")

    watched = Watched(zone.landing)
    watched.before_open = refuse  # type: ignore[method-assign]
    for granularity, expected in {
        Granularity.YEAR: {"2012": ["a", "b"], "undated": ["c"]},
        Granularity.DAY: {"2012-03-04": ["a"], "2012-04-05": ["b"], "undated": ["c"]},
        Granularity.MONTH: {"2012-03": ["a"], "2012-04": ["b"], "undated": ["c"]},
    }.items():
        report = Scanner(watched, zone.manifests, ScanRules(granularity)).run()
        assert files_by_period(zone) == expected
        assert "undated" not in report.partitions


class KilledError(BaseException):
    """Has the same effect on the files on disk as `kill -9`."""


@pytest.mark.parametrize("killed_after", [0, 1, 2])
def test_a_scan_killed_between_two_manifests_is_repaired_by_the_next_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_after: int
) -> None:
    zone = Zone(tmp_path, keep=True)
    for n in range(4):
        zone.put(str(n), instance(n, StudyDate=f"20120{n + 1}05"))
    zone.scan()
    first_seen = {
        r.file.path: r.first_seen for p in files_by_period(zone) for r in zone.manifests.read(p)
    }
    for n in range(4):  # files move to earlier and later months, and two files swap partitions
        path = zone.put(str(n), instance(n, StudyDate=f"20120{4 - n}05"))
        os.utime(path, ns=(0, 7))
    real, written = ManifestStore.write, []

    def write(self: ManifestStore, period: str, rows: list[ManifestRow]) -> None:
        if len(written) == killed_after:
            raise KilledError
        written.append(period)
        real(self, period, rows)

    with monkeypatch.context() as patch:
        patch.setattr(ManifestStore, "write", write)
        with pytest.raises(KilledError):
            zone.scan()
    zone.scan()
    assert files_by_period(zone) == {f"2012-0{4 - n}": [str(n)] for n in range(4)}
    seen = {
        r.file.path: r.first_seen for p in files_by_period(zone) for r in zone.manifests.read(p)
    }
    assert seen.keys() == first_seen.keys()


def test_every_file_is_in_a_manifest_at_all_times_during_a_repartition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The partition of a retained file is stored only in its manifest."""
    zone = Zone(tmp_path, keep=True)
    for n in range(4):
        zone.put(str(n), instance(n, StudyDate=f"20120{n + 1}05"))
    zone.scan(granularity=Granularity.YEAR)
    shutil.rmtree(zone.landing)
    zone.landing.mkdir()
    real = ManifestStore.write

    def write(self: ManifestStore, period: str, rows: list[ManifestRow]) -> None:
        real(self, period, rows)
        assert {path for paths in files_by_period(zone).values() for path in paths} == set("0123")

    monkeypatch.setattr(ManifestStore, "write", write)
    for granularity in (Granularity.DAY, Granularity.MONTH, Granularity.YEAR):
        zone.scan(granularity=granularity)
    assert files_by_period(zone) == {"2012": list("0123")}


def test_a_file_deleted_between_listing_and_reading_is_not_in_the_manifest(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    fill(zone, 2)
    watched = Watched(zone.landing)
    watched.before_open = lambda path: (zone.landing / "000.dcm").unlink(missing_ok=True)  # type: ignore[method-assign]
    Scanner(watched, zone.manifests, ScanRules(Granularity.MONTH)).run()
    assert files_by_period(zone) == {"2012-03": ["001.dcm"]}


def test_a_file_that_cannot_be_read_stays_undated_until_it_can_be_read(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    fill(zone, 1)
    watched = Watched(zone.landing)

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied")

    watched.before_open = refuse  # type: ignore[method-assign]
    assert Scanner(watched, zone.manifests, ScanRules(Granularity.MONTH)).run().new == 1
    assert files_by_period(zone) == {"undated": ["000.dcm"]}
    again = Scanner(watched, zone.manifests, ScanRules(Granularity.MONTH)).run()
    assert (again.new, again.changed, again.partitions) == (0, 0, [])
    report = zone.scan()
    assert (report.changed, report.moved) == (1, 1)
    assert files_by_period(zone) == {"2012-03": ["000.dcm"]}


def test_a_fifo_that_replaces_a_file_does_not_hang_the_scan(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    (path,) = fill(zone, 1)
    watched = Watched(zone.landing)

    def swap(_: str) -> None:
        path.unlink()
        os.mkfifo(path)

    watched.before_open = swap  # type: ignore[method-assign]
    Scanner(watched, zone.manifests, ScanRules(Granularity.MONTH)).run()
    assert files_by_period(zone) == {"undated": ["000.dcm"]}
    report = zone.scan(accept=True)
    assert report.deleted == 1
    assert report.ignored == {"not_a_regular_file": 1}


def test_on_delete_remove_drops_files_retained_by_keep(tmp_path: Path) -> None:
    zone = Zone(tmp_path, keep=True)
    files = fill(zone, 3)
    zone.scan()
    files[0].unlink()
    zone.scan()
    rules = ScanRules(Granularity.MONTH, OnDelete.REMOVE)
    assert Scanner(zone.storage, zone.manifests, rules).run().deleted == 1
