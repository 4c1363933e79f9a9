"""A purged subject is deleted from the raw zone and is not loaded again."""

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
from dicom_pipeline.deid.identifiers import Identifier, IdentifierKind, identifier
from dicom_pipeline.extract.raw_zone.parquet import RawZone
from dicom_pipeline.extract.raw_zone.tombstones import Tombstone, TombstoneError, Tombstones
from dicom_pipeline.operations.purge.raw_zone import remove_purged
from tests.support.dicom import instance
from tests.support.zone import Zone

PURGED = "WITHDRAWN-0815"
STAYS = "STAYS-4711"


def patient(value: str = PURGED, issuer: str | None = None) -> Identifier:
    return identifier(IdentifierKind.PATIENT, value, issuer)


def study(value: str) -> Identifier:
    return identifier(IdentifierKind.STUDY, value)


def purge(zone: Zone, *subjects: Identifier) -> None:
    tombstones = [Tombstone(subject, "2030-01-02T03:04:05+00:00", "r.json") for subject in subjects]
    Tombstones(zone.raw_dir).add(tombstones)


def put(zone: Zone, name: str, number: int, patient_id: str | None, **values: Any) -> Path:
    return zone.put(name, instance(number, PatientID=patient_id, **values))


def fill(zone: Zone) -> None:
    """Two patients: together in one study, one file and one month, and separately."""
    for number, (patient_id, uid, date) in enumerate(
        [
            (PURGED, "1.2.1", "20120304"),
            (PURGED, "1.2.1", "20120304"),
            (STAYS, "1.2.1", "20120304"),
            (STAYS, "1.2.2", "20130304"),
            (PURGED, "1.2.3", "20140304"),
        ]
    ):
        put(
            zone, f"{patient_id}/{number}", number, patient_id, StudyInstanceUID=uid,
            SeriesInstanceUID=f"{uid}.{len(patient_id)}", StudyDate=date, PatientName=patient_id,
            DeviceSerialNumber=f"of {patient_id}",
        )  # fmt: skip
    put(zone, f"{PURGED}/again", 0, PURGED, StudyInstanceUID="1.2.1",
        SeriesInstanceUID=f"1.2.1.{len(PURGED)}", StudyDate="20120304", PatientName=PURGED,
        DeviceSerialNumber=f"of {PURGED}")  # fmt: skip
    zone.put("text", b"no DICOM")


def clean_copy(zone: Zone, root: Path) -> Zone:
    """Copy of the landing zone without the files of the patient, loaded for the first time."""
    other = Zone(root)
    shutil.copytree(zone.landing, other.landing, dirs_exist_ok=True)
    shutil.rmtree(other.landing / PURGED)
    other.load()
    return other


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    zone = Zone(tmp_path / "zone")
    fill(zone)
    zone.load()
    return zone


def stored(zone: Zone) -> str:
    """Return the whole content of the raw zone except the tombstones."""
    texts = []
    for path in sorted(zone.raw_dir.rglob("*")):
        if path.is_dir() or "purged" in path.parts:
            continue
        parquet = path.suffix == ".parquet"
        texts.append(str(pq.ParquetFile(path).read().to_pydict()) if parquet else path.read_text())
    return "\n".join(texts)


def test_after_a_purge_the_raw_zone_equals_one_that_never_had_the_patient(
    zone: Zone, tmp_path: Path
) -> None:
    assert PURGED in stored(zone)
    purge(zone, patient())
    reports = zone.refresh()
    assert sum(report.read for report in reports) == 0
    assert sum(report.ignored.get("purged", 0) for report in reports) == 4
    clean = clean_copy(zone, tmp_path / "clean")
    assert zone.content() == clean.content()
    assert (
        zone.manifests.periods() == clean.manifests.periods() == ["2012-03", "2013-03", "undated"]
    )
    assert PURGED not in stored(zone)
    assert STAYS in stored(zone)


def test_corrupt_parquet_that_was_set_aside_is_deleted_too(zone: Zone) -> None:
    parquet = zone.raw.path("images", "2012-03")
    aside = [parquet.with_name(f"data.parquet.damaged{end}") for end in ("", ".2")]
    for path in aside:
        shutil.copyfile(parquet, path)
    purge(zone, patient())
    remove_purged(zone.step())
    assert not any(path.exists() for path in aside)
    assert PURGED not in stored(zone)


def test_purged_files_still_in_the_landing_zone_are_ignored_and_not_read_again(zone: Zone) -> None:
    purge(zone, patient())
    zone.refresh()
    for options in ({}, {"granularity": Granularity.YEAR}, {"granularity": Granularity.DAY}, {}):
        scanned = zone.scan(**options)
        assert (scanned.new, scanned.changed, scanned.deleted) == (0, 0, 0)
        assert scanned.ignored == {"purged": 4}
        assert sum(report.read for report in zone.refresh()) == 0
        counts = zone.reconcile()
        assert (counts.discovered, counts.loaded, counts.balanced) == (7, 2, True)
        assert counts.ignored == {"purged": 4}
        assert counts.rejected == {"not_dicom": 1}
    assert sum(report.read for report in zone.refresh(force=True)) == 3
    assert PURGED not in stored(zone)


def test_purged_files_that_arrive_later_are_read_once_and_never_stored(zone: Zone) -> None:
    purge(zone, patient())
    zone.refresh()
    put(zone, "arrived-1", 9, PURGED, StudyDate="20120304")
    put(zone, "arrived-2, alone in its month", 10, PURGED, StudyDate="20190304")
    first = zone.landing / PURGED / "0"
    os.utime(first, ns=(0, 0))  # a changed file counts as a new file
    assert zone.load() == 3
    assert "2019-03" not in zone.raw.periods() + zone.manifests.periods()
    assert zone.load() == 0
    counts = zone.reconcile()
    assert counts.ignored == {"purged": 6}
    assert counts.balanced
    assert PURGED not in stored(zone)
    assert "arrived" not in stored(zone)


def test_a_purged_file_replaced_by_one_of_another_patient_is_loaded(zone: Zone) -> None:
    purge(zone, patient())
    zone.refresh()
    put(zone, f"{PURGED}/0", 77, STAYS)
    assert zone.load() == 1
    assert zone.images()[f"{PURGED}/0"]["key_patient_id"] == STAYS
    assert zone.reconcile().balanced


@pytest.mark.parametrize("written", [PURGED, f"  {PURGED} ", f"{PURGED}\0"])
def test_padding_of_an_identifier_is_ignored_and_case_is_significant(
    tmp_path: Path, written: str
) -> None:
    zone = Zone(tmp_path)
    put(zone, "1", 1, f"{PURGED} ")
    put(zone, "2", 2, PURGED.lower())
    put(zone, "3", 3, f"0{PURGED}")
    put(zone, "4", 4, f"\t{PURGED}")  # DICOM does not pad with tabs, and people do not type them
    zone.load()
    purge(zone, patient(written))
    zone.refresh()
    assert sorted(zone.images()) == ["2", "3"]


def test_an_identifier_is_compared_in_normal_form_c(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    put(zone, "composed", 1, "Zo\u00eb-1")
    put(zone, "decomposed", 2, "Zoe\u0308-1")
    put(zone, "other", 3, "Zoe-1")
    zone.load()
    purge(zone, patient("Zoe\u0308-1"))
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
        (patient("1.2.3"), ["1", "a", "b", "none", "other"]),  # a study UID is not a patient ID
        (study("7"), ["1", "a", "b", "none", "other"]),
    ],
)
def test_a_tombstone_is_for_a_patient_of_one_or_any_issuer_or_for_a_study(
    tmp_path: Path, subject: Identifier, left: list[str]
) -> None:
    zone = Zone(tmp_path)
    put(zone, "none", 1, "7")
    put(zone, "a", 2, "7", IssuerOfPatientID="A")
    put(zone, "b", 3, "7", IssuerOfPatientID="B")
    put(zone, "other", 4, "8", StudyInstanceUID="1.2.9")
    put(zone, "1", 5, None, StudyInstanceUID="1.2.3")
    zone.load()
    purge(zone, subject)
    zone.refresh()
    assert sorted(zone.images()) == left
    zone.scan()
    assert sum(report.read for report in zone.refresh()) == 0
    assert zone.reconcile().balanced


def test_rows_of_a_purged_subject_are_deleted_even_if_rows_outlive_their_files(
    tmp_path: Path,
) -> None:
    zone = Zone(tmp_path, keep=True)
    fill(zone)
    zone.load()
    shutil.rmtree(zone.landing / PURGED)
    (zone.landing / "text").unlink()
    zone.load()
    assert PURGED in stored(zone)
    purge(zone, patient())
    zone.load()
    assert PURGED not in stored(zone)
    assert len(zone.images()) == 2
    assert zone.reconcile().balanced
    # also after a change of partitions, when the files cannot be read again
    zone.load(granularity=Granularity.YEAR)
    assert PURGED not in stored(zone)
    assert len(zone.images()) == 2


def test_a_change_of_granularity_together_with_a_purge_reads_no_file(tmp_path: Path) -> None:
    for keep in (False, True):
        zone = Zone(tmp_path / str(keep), keep=keep)
        fill(zone)
        zone.load()
        zone.scan(granularity=Granularity.YEAR)
        purge(zone, patient())
        assert sum(report.read for report in zone.refresh()) == 0
        assert PURGED not in stored(zone)
        assert len(zone.images()) == 2
        assert zone.reconcile().ignored == {"purged": 4}


def test_a_changed_file_that_cannot_be_read_is_purged_with_its_retained_rows(
    tmp_path: Path,
) -> None:
    zone = Zone(tmp_path, keep=True)
    put(zone, PURGED, 1, PURGED)
    put(zone, "other", 2, STAYS)
    zone.load()
    path = zone.landing / PURGED
    put(zone, PURGED, 1, PURGED, PatientComments="another version")
    zone.scan()
    path.unlink()  # deleted before it was read
    zone.refresh()
    assert sorted(zone.images()) == [PURGED, "other"]
    assert zone.rejects() == {PURGED: "unreadable"}
    purge(zone, patient())
    zone.refresh()
    assert PURGED not in stored(zone)
    assert list(zone.images()) == ["other"]


@pytest.mark.parametrize("place", ["RawZone.write", "ManifestStore.write", "Tombstones._note"])
def test_a_purge_killed_at_any_point_is_pending_and_completed_by_the_next_run(
    zone: Zone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def die(*arguments: Any, **named: Any) -> Any:
        raise KeyboardInterrupt

    purge(zone, patient())
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


def test_a_tombstone_is_pending_only_in_partitions_with_rows_of_the_subject(zone: Zone) -> None:
    before = zone.step().partitions.wanted_versions()
    purge(zone, patient())
    after = zone.step().partitions.wanted_versions()
    assert {key for key in before if before[key] != after[key]} == {"2012-03", "2014-03"}


def test_a_subject_is_loaded_again_after_its_tombstone_line_is_deleted(zone: Zone) -> None:
    before = zone.content()
    purge(zone, patient(), study("1.2.2"))
    zone.refresh()
    assert list(zone.images()) == [f"{STAYS}/2"]
    lines = (zone.raw_dir / "purged" / "subjects.jsonl").read_text().splitlines()
    remaining = [line for line in lines if PURGED not in line]
    assert len(remaining) == 1
    (zone.raw_dir / "purged" / "subjects.jsonl").write_text("\n".join(remaining))
    assert zone.load() == 4
    (zone.raw_dir / "purged" / "subjects.jsonl").unlink()
    assert zone.load() == 1
    assert zone.content() == before


@pytest.mark.parametrize("keep", [False, True])
def test_a_scan_killed_between_two_manifests_does_not_keep_a_purged_file(
    tmp_path: Path, keep: bool
) -> None:
    """The file is in two manifests and in the list of purged files."""
    zone = Zone(tmp_path, keep=keep)
    fill(zone)
    zone.load()
    rows = zone.manifests.read("2014-03")
    purge(zone, patient())
    zone.refresh()
    zone.manifests.write("2013-03", [*zone.manifests.read("2013-03"), *rows])
    zone.scan()
    assert PURGED not in stored(zone)


def test_a_landing_zone_with_only_purged_files_is_not_treated_as_unmounted(
    tmp_path: Path,
) -> None:
    zone = Zone(tmp_path)
    put(zone, "1", 1, PURGED)
    put(zone, "2", 2, STAYS)
    zone.load()
    purge(zone, patient())
    zone.refresh()
    (zone.landing / "2").unlink()
    assert zone.scan().deleted == 1


def test_only_the_owner_may_read_the_tombstones_and_the_files_of_a_purge(zone: Zone) -> None:
    purge(zone, patient())
    zone.refresh()
    folder = zone.raw_dir / "purged"
    for path in [folder, *folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    entry = json.loads((folder / "subjects.jsonl").read_text())
    assert (
        entry["patient_id"] == PURGED
    )  # in clear text, because the list must stay valid when the key changes
    lists = [path.read_text() for path in (folder / "files").iterdir()]
    assert sum(text.count("\n") for text in lists) == 4
    assert PURGED not in "".join(lists)


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"patient_id": " ", "purged_at": "", "receipt": ""}', '{"study": "1"}']
)
def test_an_invalid_tombstone_stops_the_run_and_is_not_quoted(zone: Zone, line: str) -> None:
    purge(zone, patient())
    path = zone.raw_dir / "purged" / "subjects.jsonl"
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(TombstoneError, match=r"line 2: ") as error:
        zone.step()
    assert line not in str(error.value)
    with pytest.raises(TombstoneError):
        zone.scan()


def test_repr_and_str_show_no_identifier() -> None:
    tombstone = Tombstone(patient(PURGED, "ISSUER"), "", "")
    for shown in (repr(tombstone), str(tombstone.subject)):
        assert PURGED not in shown
        assert "ISSUER" not in shown


def test_a_purge_removes_files_that_may_have_values_of_the_patient(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    put(zone, "one", 1, PURGED)
    put(zone, "other", 2, STAYS)
    zone.load()
    words = zone.raw_dir / "review" / "removed_words.csv"
    leftovers = [words, zone.raw.path("images", "2012-03").with_name(".data.parquet.7.tmp")]
    for path in leftovers:
        path.parent.mkdir(exist_ok=True)
        path.write_text(PURGED)
    purge(zone, patient())
    remove_purged(zone.step())
    assert not any(path.exists() for path in leftovers)
    assert not words.parent.exists()
    found = b"".join(path.read_bytes() for path in zone.raw_dir.rglob("*.parquet"))
    assert PURGED.encode() not in found and STAYS.encode() in found
