"""A subject who was purged: gone from the raw zone, and not taken in again."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dicom_pipeline.config.settings import Granularity
from dicom_pipeline.deid.identifiers import Identifier, Kind, identifier
from dicom_pipeline.extract.raw_zone.parquet import RawZone
from dicom_pipeline.extract.raw_zone.tombstones import Tombstone, TombstoneError, Tombstones
from dicom_pipeline.operations.purge.raw_zone import clear
from tests.support.dicom import instance
from tests.support.zone import Zone

WITHDRAWN = "WITHDRAWN-0815"
STAYS = "STAYS-4711"


def patient(value: str = WITHDRAWN, issuer: str | None = None) -> Identifier:
    return identifier(Kind.PATIENT, value, issuer)


def study(value: str) -> Identifier:
    return identifier(Kind.STUDY, value)


def withdraw(zone: Zone, *subjects: Identifier) -> None:
    tombstones = [Tombstone(subject, "2030-01-02T03:04:05+00:00", "r.json") for subject in subjects]
    Tombstones(zone.raw_dir).add(tombstones)


def put(zone: Zone, name: str, number: int, patient_id: str | None, **values: Any) -> Path:
    return zone.put(name, instance(number, PatientID=patient_id, **values))


def fill(zone: Zone) -> None:
    """Two patients, in one study, one file and one month together and each on their own."""
    for number, (patient_id, uid, date) in enumerate(
        [
            (WITHDRAWN, "1.2.1", "20120304"),
            (WITHDRAWN, "1.2.1", "20120304"),
            (STAYS, "1.2.1", "20120304"),
            (STAYS, "1.2.2", "20130304"),
            (WITHDRAWN, "1.2.3", "20140304"),
        ]
    ):
        put(
            zone, f"{patient_id}/{number}", number, patient_id, StudyInstanceUID=uid,
            SeriesInstanceUID=f"{uid}.{len(patient_id)}", StudyDate=date, PatientName=patient_id,
            DeviceSerialNumber=f"of {patient_id}",
        )  # fmt: skip
    put(zone, f"{WITHDRAWN}/again", 0, WITHDRAWN, StudyInstanceUID="1.2.1",
        SeriesInstanceUID=f"1.2.1.{len(WITHDRAWN)}", StudyDate="20120304", PatientName=WITHDRAWN,
        DeviceSerialNumber=f"of {WITHDRAWN}")  # fmt: skip
    zone.put("text", b"no DICOM")


def clean_copy(zone: Zone, root: Path) -> Zone:
    """The same landing zone without the patient, loaded without ever having known them."""
    other = Zone(root)
    shutil.copytree(zone.landing, other.landing, dirs_exist_ok=True)
    shutil.rmtree(other.landing / WITHDRAWN)
    other.load()
    return other


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    zone = Zone(tmp_path / "zone")
    fill(zone)
    zone.load()
    return zone


def stored(zone: Zone) -> str:
    """All that the raw zone holds, but for the tombstones."""
    texts = []
    for path in sorted(zone.raw_dir.rglob("*")):
        if path.is_dir() or "purged" in path.parts:
            continue
        parquet = path.suffix == ".parquet"
        texts.append(str(pq.ParquetFile(path).read().to_pydict()) if parquet else path.read_text())
    return "\n".join(texts)


def test_what_is_left_is_what_a_raw_zone_has_that_never_knew_the_patient(
    zone: Zone, tmp_path: Path
) -> None:
    assert WITHDRAWN in stored(zone)
    withdraw(zone, patient())
    reports = zone.refresh()
    assert sum(report.read for report in reports) == 0
    assert sum(report.ignored.get("purged", 0) for report in reports) == 4
    clean = clean_copy(zone, tmp_path / "clean")
    assert zone.content() == clean.content()
    assert (
        zone.manifests.periods() == clean.manifests.periods() == ["2012-03", "2013-03", "undated"]
    )
    assert WITHDRAWN not in stored(zone)
    assert STAYS in stored(zone)


def test_damaged_parquet_that_was_set_aside_goes_too(zone: Zone) -> None:
    parquet = zone.raw.path("images", "2012-03")
    aside = [parquet.with_name(f"data.parquet.damaged{end}") for end in ("", ".2")]
    for path in aside:
        shutil.copyfile(parquet, path)
    withdraw(zone, patient())
    clear(zone.step())
    assert not any(path.exists() for path in aside)
    assert WITHDRAWN not in stored(zone)


def test_files_that_still_lie_there_are_ignored_and_not_read_again(zone: Zone) -> None:
    withdraw(zone, patient())
    zone.refresh()
    for options in ({}, {"grain": Granularity.YEAR}, {"grain": Granularity.DAY}, {}):
        scanned = zone.scan(**options)
        assert (scanned.new, scanned.changed, scanned.deleted) == (0, 0, 0)
        assert scanned.ignored == {"purged": 4}
        assert sum(report.read for report in zone.refresh()) == 0
        counts = zone.reconcile()
        assert (counts.discovered, counts.loaded, counts.balanced) == (7, 2, True)
        assert counts.ignored == {"purged": 4}
        assert counts.rejected == {"not_dicom": 1}
    assert sum(report.read for report in zone.refresh(force=True)) == 3
    assert WITHDRAWN not in stored(zone)


def test_files_that_come_later_are_read_once_and_never_stored(zone: Zone) -> None:
    withdraw(zone, patient())
    zone.refresh()
    put(zone, "arrived-1", 9, WITHDRAWN, StudyDate="20120304")
    put(zone, "arrived-2, alone in its month", 10, WITHDRAWN, StudyDate="20190304")
    first = zone.landing / WITHDRAWN / "0"
    os.utime(first, ns=(0, 0))  # a file that changed is another one
    assert zone.load() == 3
    assert "2019-03" not in zone.raw.periods() + zone.manifests.periods()
    assert zone.load() == 0
    counts = zone.reconcile()
    assert counts.ignored == {"purged": 6}
    assert counts.balanced
    assert WITHDRAWN not in stored(zone)
    assert "arrived" not in stored(zone)


def test_a_withdrawn_file_that_becomes_another_patients_is_loaded(zone: Zone) -> None:
    withdraw(zone, patient())
    zone.refresh()
    put(zone, f"{WITHDRAWN}/0", 77, STAYS)
    assert zone.load() == 1
    assert zone.images()[f"{WITHDRAWN}/0"]["key_patient_id"] == STAYS
    assert zone.reconcile().balanced


@pytest.mark.parametrize("written", [WITHDRAWN, f"  {WITHDRAWN} ", f"{WITHDRAWN}\0"])
def test_padding_does_not_matter_and_case_does(tmp_path: Path, written: str) -> None:
    zone = Zone(tmp_path)
    put(zone, "1", 1, f"{WITHDRAWN} ")
    put(zone, "2", 2, WITHDRAWN.lower())
    put(zone, "3", 3, f"0{WITHDRAWN}")
    put(zone, "4", 4, f"\t{WITHDRAWN}")  # DICOM does not pad with tabs; a person would not type it
    zone.load()
    withdraw(zone, patient(written))
    zone.refresh()
    assert sorted(zone.images()) == ["2", "3"]


def test_an_identifier_is_compared_in_normal_form_c(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    put(zone, "composed", 1, "Zo\u00eb-1")
    put(zone, "decomposed", 2, "Zoe\u0308-1")
    put(zone, "other", 3, "Zoe-1")
    zone.load()
    withdraw(zone, patient("Zoe\u0308-1"))
    zone.refresh()
    assert list(zone.images()) == ["other"]


@pytest.mark.parametrize(
    ("subject", "left"),
    [
        (patient("7"), ["1", "other"]),
        (patient("7", "A"), ["1", "b", "none", "other"]),
        (patient("7", " B "), ["1", "a", "none", "other"]),
        (study("1.2.9"), ["1", "a", "b", "none"]),
        (study("1.2.3"), ["a", "b", "none", "other"]),  # without a Patient ID
        (patient("1.2.3"), ["1", "a", "b", "none", "other"]),  # a study is no patient
        (study("7"), ["1", "a", "b", "none", "other"]),
    ],
)
def test_a_patient_is_that_of_an_issuer_or_of_all_and_a_study_is_a_study(
    tmp_path: Path, subject: Identifier, left: list[str]
) -> None:
    zone = Zone(tmp_path)
    put(zone, "none", 1, "7")
    put(zone, "a", 2, "7", IssuerOfPatientID="A")
    put(zone, "b", 3, "7", IssuerOfPatientID="B")
    put(zone, "other", 4, "8", StudyInstanceUID="1.2.9")
    put(zone, "1", 5, None, StudyInstanceUID="1.2.3")
    zone.load()
    withdraw(zone, subject)
    zone.refresh()
    assert sorted(zone.images()) == left
    zone.scan()
    assert sum(report.read for report in zone.refresh()) == 0
    assert zone.reconcile().balanced


def test_where_rows_outlive_their_files_those_of_the_subject_do_not(tmp_path: Path) -> None:
    zone = Zone(tmp_path, keep=True)
    fill(zone)
    zone.load()
    shutil.rmtree(zone.landing / WITHDRAWN)
    (zone.landing / "text").unlink()
    zone.load()
    assert WITHDRAWN in stored(zone)
    withdraw(zone, patient())
    zone.load()
    assert WITHDRAWN not in stored(zone)
    assert len(zone.images()) == 2
    assert zone.reconcile().balanced
    # nor when their partition is another one by now, and its files cannot be read again
    zone.load(grain=Granularity.YEAR)
    assert WITHDRAWN not in stored(zone)
    assert len(zone.images()) == 2


def test_a_grain_changed_together_with_a_purge_reads_no_file(tmp_path: Path) -> None:
    for keep in (False, True):
        zone = Zone(tmp_path / str(keep), keep=keep)
        fill(zone)
        zone.load()
        zone.scan(grain=Granularity.YEAR)
        withdraw(zone, patient())
        assert sum(report.read for report in zone.refresh()) == 0
        assert WITHDRAWN not in stored(zone)
        assert len(zone.images()) == 2
        assert zone.reconcile().ignored == {"purged": 4}


def test_a_changed_file_that_cannot_be_read_goes_with_the_rows_that_stood_for_it(
    tmp_path: Path,
) -> None:
    zone = Zone(tmp_path, keep=True)
    put(zone, WITHDRAWN, 1, WITHDRAWN)
    put(zone, "other", 2, STAYS)
    zone.load()
    path = zone.landing / WITHDRAWN
    put(zone, WITHDRAWN, 1, WITHDRAWN, PatientComments="another version")
    zone.scan()
    path.unlink()  # gone before it was read
    zone.refresh()
    assert sorted(zone.images()) == [WITHDRAWN, "other"]
    assert zone.rejects() == {WITHDRAWN: "unreadable"}
    withdraw(zone, patient())
    zone.refresh()
    assert WITHDRAWN not in stored(zone)
    assert list(zone.images()) == ["other"]


@pytest.mark.parametrize("place", ["RawZone.write", "ManifestStore.write", "Tombstones._note"])
def test_a_purge_killed_anywhere_is_pending_and_done_by_the_next_run(
    zone: Zone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def die(*arguments: Any, **named: Any) -> Any:
        raise KeyboardInterrupt

    withdraw(zone, patient())
    parts = {"RawZone": RawZone, "ManifestStore": type(zone.manifests), "Tombstones": Tombstones}
    owner, name = place.split(".")
    with monkeypatch.context() as patched:
        patched.setattr(parts[owner], name, die)
        with pytest.raises(KeyboardInterrupt):
            zone.refresh()
    partitions = zone.step().partitions
    assert any(partitions.raw.version(k) != v for k, v in partitions.wanted_versions().items())
    assert zone.load() == 0
    assert zone.content() == clean_copy(zone, tmp_path / "clean").content()
    assert zone.reconcile().balanced
    partitions = zone.step().partitions
    assert all(partitions.raw.version(k) == v for k, v in partitions.wanted_versions().items())


def test_a_tombstone_is_pending_where_the_subject_has_rows_and_nowhere_else(zone: Zone) -> None:
    before = zone.step().partitions.wanted_versions()
    withdraw(zone, patient())
    after = zone.step().partitions.wanted_versions()
    assert {key for key in before if before[key] != after[key]} == {"2012-03", "2014-03"}


def test_without_its_line_a_subject_is_back_as_it_was(zone: Zone) -> None:
    before = zone.content()
    withdraw(zone, patient(), study("1.2.2"))
    zone.refresh()
    assert list(zone.images()) == [f"{STAYS}/2"]
    lines = (zone.raw_dir / "purged" / "subjects.jsonl").read_text().splitlines()
    kept = [line for line in lines if WITHDRAWN not in line]
    assert len(kept) == 1
    (zone.raw_dir / "purged" / "subjects.jsonl").write_text("\n".join(kept))
    assert zone.load() == 4
    (zone.raw_dir / "purged" / "subjects.jsonl").unlink()
    assert zone.load() == 1
    assert zone.content() == before


@pytest.mark.parametrize("keep", [False, True])
def test_a_scan_killed_between_two_manifests_does_not_keep_a_withdrawn_file(
    tmp_path: Path, keep: bool
) -> None:
    """The file stands in two manifests, and the list has it."""
    zone = Zone(tmp_path, keep=keep)
    fill(zone)
    zone.load()
    rows = zone.manifests.read("2014-03")
    withdraw(zone, patient())
    zone.refresh()
    zone.manifests.write("2013-03", [*zone.manifests.read("2013-03"), *rows])
    zone.scan()
    assert WITHDRAWN not in stored(zone)


def test_a_landing_zone_of_withdrawn_files_alone_is_not_taken_for_an_unmounted_one(
    tmp_path: Path,
) -> None:
    zone = Zone(tmp_path)
    put(zone, "1", 1, WITHDRAWN)
    put(zone, "2", 2, STAYS)
    zone.load()
    withdraw(zone, patient())
    zone.refresh()
    (zone.landing / "2").unlink()
    assert zone.scan().deleted == 1


def test_only_the_owner_may_read_the_tombstones_and_what_else_is_written(zone: Zone) -> None:
    withdraw(zone, patient())
    zone.refresh()
    folder = zone.raw_dir / "purged"
    for path in [folder, *folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    entry = json.loads((folder / "subjects.jsonl").read_text())
    assert entry["patient_id"] == WITHDRAWN  # in clear: it outlives every key
    lists = [path.read_text() for path in (folder / "files").iterdir()]
    assert sum(text.count("\n") for text in lists) == 4
    assert WITHDRAWN not in "".join(lists)


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"patient_id": " ", "withdrawn_at": "", "receipt": ""}', '{"study": "1"}']
)
def test_a_tombstone_that_cannot_be_read_stops_everything_and_is_not_quoted(
    zone: Zone, line: str
) -> None:
    withdraw(zone, patient())
    path = zone.raw_dir / "purged" / "subjects.jsonl"
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(TombstoneError, match=r"line 2: ") as error:
        zone.step()
    assert line not in str(error.value)
    with pytest.raises(TombstoneError):
        zone.scan()


def test_no_representation_shows_an_identifier() -> None:
    tombstone = Tombstone(patient(WITHDRAWN, "ISSUER"), "", "")
    for shown in (repr(tombstone), str(tombstone.subject)):
        assert WITHDRAWN not in shown
        assert "ISSUER" not in shown
