"""Rows of the raw table of identity terms: creation, sharing, carry-over and deletion."""

import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from dicom_pipeline.extract import partition, raw_step
from dicom_pipeline.extract.tables import IDENTITY_TERMS
from tests.support.dicom import dataset, encoded, instance
from tests.support.zone import Zone

PERIOD = "2012-03"
# terms of dataset(): Muster^Änne, 4711, 20120304
TERMS = {
    "date:20120304", "id:4711", "name:muster", "name:änne", "name:anne", "name:aenne",
    "initials:am", "dotted:ma",
}  # fmt: skip


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    return Zone(tmp_path)


def lines(row: dict[str, object]) -> set[str]:
    return set(str(row["terms"]).split("\n"))


def as_of_an_extractor_without_terms(zone: Zone) -> None:
    """Delete from the raw zone what an extractor version without identity terms did not write."""
    shutil.rmtree(zone.raw_dir / IDENTITY_TERMS)
    for path in (zone.raw_dir / "images").rglob("*.parquet"):
        table = pq.ParquetFile(path).read()
        pq.write_table(table.drop_columns([f"{IDENTITY_TERMS}_row"]), path)


def test_a_file_gives_a_row_with_its_keys_and_terms(zone: Zone) -> None:
    zone.put("1", instance(1, IssuerOfPatientID="CLINIC"))
    zone.load()
    (row,) = zone.rows(IDENTITY_TERMS)
    assert lines(row) >= TERMS | {"place:clinic"}
    keys = ("key_patient_id", "key_issuer_of_patient_id", "key_study", "file_count")
    assert [row[key] for key in keys] == ["4711", "CLINIC", "1.2.3.100", 1]
    assert zone.images()["1"]["identity_terms_row"] == row["row_digest"]
    assert row["raw_version"] == zone.step().partitions.wanted_version(PERIOD)


def test_files_with_the_same_terms_share_a_row(zone: Zone) -> None:
    zone.put("1", instance(1))
    zone.put("2", instance(2, "implicit"))
    zone.put("2 again", instance(2))
    zone.put("3", instance(3, OperatorsName="Roe^Jane"))
    zone.load()
    counts = {"person:roe" in lines(r): r["file_count"] for r in zone.rows(IDENTITY_TERMS)}
    assert counts == {
        False: 2,
        True: 1,
    }  # a duplicate has no row of its own, as in the other tables


def test_a_file_without_identifiers_has_a_row_without_terms(zone: Zone) -> None:
    zone.put("1", instance(1, PatientName=None, PatientID=None, StudyDate=None))
    zone.load()
    (row,) = zone.rows(IDENTITY_TERMS)
    assert (row["terms"], row["key_patient_id"]) == ("", None)


def test_values_in_sequence_items_give_terms_in_any_encoding(zone: Zone) -> None:
    other, person, code = Dataset(), Dataset(), Dataset()
    other.PatientID = "X-0815"
    code.CodeMeaning = "Röntgen^Wilhelm"
    person.SpecificCharacterSet = "ISO_IR 100"
    person.PersonIdentificationCodeSequence = Sequence([code])
    for n, syntax in enumerate(["explicit", "implicit", "big endian", "deflated"]):
        made = dataset(
            n,
            OtherPatientIDsSequence=Sequence([Dataset(), other]),
            OperatorIdentificationSequence=Sequence([person]),
        )
        zone.put(str(n), encoded(made, syntax))
    zone.load()
    (row,) = zone.rows(IDENTITY_TERMS)
    assert row["file_count"] == 4
    assert lines(row) >= {"id:x 0815", "id:0815", "person:röntgen", "person:wilhelm"}
    assert {image["unreadable_values"] for image in zone.images().values()} == {0}


def test_headers_that_differ_only_in_the_operator_are_two_versions(zone: Zone) -> None:
    """No column has the operator; if the second file were a duplicate, its terms would be lost."""
    zone.put("1", instance(1))
    zone.put("2", instance(1, OperatorsName="Roe^Jane"))
    zone.load()
    assert {row["file_outcome"] for row in zone.images().values()} == {"loaded"}
    assert len(zone.rows(IDENTITY_TERMS)) == 2


def test_a_row_is_deleted_with_its_last_file_and_no_other_file_is_read(zone: Zone) -> None:
    for n in (1, 2):
        zone.put(f"roe {n}", instance(n, PatientName="Roe^Jane", PatientID="0815"))
    zone.put("other", instance(3))
    zone.load()
    (zone.landing / "roe 1").unlink()
    assert zone.load() == 0
    counts = {r["key_patient_id"]: r["file_count"] for r in zone.rows(IDENTITY_TERMS)}
    assert counts == {"0815": 1, "4711": 1}
    (zone.landing / "roe 2").unlink()
    assert zone.load() == 0
    (row,) = zone.rows(IDENTITY_TERMS)
    assert not any("roe" in line for line in lines(row))


def test_rows_of_unchanged_files_are_carried_over(zone: Zone, tmp_path: Path) -> None:
    zone.put("1", instance(1))
    zone.put("2", instance(2, PatientID="0815"))
    zone.load()
    zone.put("3", instance(3, PatientID="77777"))
    path = zone.put("2", instance(2, PatientID="99999"))
    os.utime(path, ns=(0, 1))
    assert zone.load() == 2
    fresh = Zone(tmp_path / "fresh")
    shutil.copytree(zone.landing, fresh.landing, dirs_exist_ok=True)
    fresh.load()
    assert zone.bytes() == fresh.bytes()
    assert {r["key_patient_id"] for r in zone.rows(IDENTITY_TERMS)} == {"4711", "77777", "99999"}


def test_after_a_change_of_the_attribute_list_every_file_is_read_again(zone: Zone) -> None:
    zone.put("1", instance(1, StudyComments="4242"))
    zone.put("2", instance(2, StudyDate="20130506"))
    zone.load()
    assert all("id:4242" not in lines(row) for row in zone.rows(IDENTITY_TERMS))
    with zone.identity_csv.open("a") as file:
        file.write("StudyComments,id\n")
    assert zone.load() == 2
    assert any("id:4242" in lines(row) for row in zone.rows(IDENTITY_TERMS))
    assert zone.load() == 0


def test_files_of_a_raw_zone_without_identity_terms_are_read_again(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone.put("1", instance(1))
    zone.put("2", instance(2, StudyDate="20130506"))
    zone.put("text", b"not DICOM")
    zone.load()
    expected = zone.bytes()
    shutil.rmtree(zone.raw_dir)
    with monkeypatch.context() as patch:
        patch.setattr(partition, "EXTRACTOR_VERSION", "2")
        patch.setattr(
            raw_step, "MAX_FILES_PER_WORKER_PARTITION", 0
        )  # worker processes do not see the patched version
        zone.load()
    as_of_an_extractor_without_terms(zone)
    assert zone.load() == 3
    assert zone.bytes() == expected
    assert zone.reconcile().balanced


@pytest.mark.parametrize("damage", ["older extractor", "missing table", "unreadable table"])
def test_rows_of_deleted_files_have_terms_from_the_stored_values(
    tmp_path: Path, damage: str
) -> None:
    zone = Zone(tmp_path, keep=True)
    zone.put("1", instance(1, AccessionNumber="A-0815", InstitutionName="Holy Ghost"))
    zone.put("2", instance(2, AccessionNumber="A-0815", InstitutionName="Holy Ghost"))
    zone.put("3", instance(3, PatientID="99999", OperatorsName="Roe^Jane"))
    zone.load()
    path = zone.raw.path(IDENTITY_TERMS, PERIOD)
    if damage == "older extractor":
        as_of_an_extractor_without_terms(zone)
    elif damage == "missing table":
        path.unlink()
    else:
        path.write_bytes(b"")
    for name in ("1", "2", "3"):
        (zone.landing / name).unlink()
    zone.put("4", instance(4, PatientID="77777"))
    zone.load()
    assert set(zone.images()) == {"1", "2", "3", "4"}
    rows = {row["key_patient_id"]: row for row in zone.rows(IDENTITY_TERMS)}
    assert {key: row["file_count"] for key, row in rows.items()} == {
        "4711": 2, "99999": 1, "77777": 1,
    }  # fmt: skip
    assert lines(rows["4711"]) >= TERMS | {"id:0815", "place:holy ghost"}
    digests = {row["row_digest"] for row in rows.values()}
    assert {image["identity_terms_row"] for image in zone.images().values()} == digests
    before = zone.bytes()
    assert zone.load() == 0
    assert zone.bytes() == before
