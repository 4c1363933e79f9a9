"""Stage: every value is typed and de-identified by the mapping, and equals that of Python."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from dicom_pipeline.mapping.attribute_mapping import load_mapping

from .archive import AGES, AGES_FROM_DATES, VALUES
from .conftest import KEY, Warehouse
from .leaks import check, to_remove
from .oracle import Oracle

ORACLE = Oracle(KEY)
PATIENT = ORACLE.patient_key("MRN-4711", "CLINIC")
SHIFT = timedelta(days=ORACLE.shift_days(PATIENT))


def staged_image(warehouse: Warehouse, uid: str) -> dict[str, Any]:
    key = ORACLE.key("image_key", uid)
    [row] = warehouse.rows(f"select * from stage.staged_images where image_key = '{key}'")
    return row


@pytest.mark.parametrize("number", range(len(VALUES)), ids=[f"{v[2]}={v[1]}" for v in VALUES])
def test_a_value_is_read_or_null_and_a_null_is_counted(warehouse: Warehouse, number: int) -> None:
    _, raw, column, expected = VALUES[number]
    row = staged_image(warehouse, f"1.2.840.7.1.{number}")
    if column in ("acquisition_date", "taken") and expected is not None:
        expected -= SHIFT
    assert row[column] == expected
    is_partly_lost = isinstance(expected, list) and None in expected and "" not in raw.split("\\")
    lost = expected is None or is_partly_lost
    is_identifying = "Habermann" in raw  # the name of the patient, not an invalid code
    assert row["failed_casts"] == ([column] if lost and not is_identifying else [])
    assert row["leaked_cells"] == ([column] if is_identifying else [])


@pytest.mark.parametrize("number", range(len(AGES)), ids=[age for age, _ in AGES])
def test_an_age_over_89_is_capped_and_a_malformed_one_is_null(
    warehouse: Warehouse, number: int
) -> None:
    study = ORACLE.key("study_key", f"1.2.840.8.{number}")
    rows = warehouse.rows(f"select * from stage.staged_patients where study_key = '{study}'")
    assert [row["patient_age"] for row in rows] == [AGES[number][1]]


@pytest.mark.parametrize("number", range(len(AGES_FROM_DATES)), ids=str)
def test_an_age_that_the_file_does_not_have_is_that_of_its_dates(
    warehouse: Warehouse, number: int
) -> None:
    _, age, is_lost = AGES_FROM_DATES[number]
    study = ORACLE.key("study_key", f"1.2.840.9.{number}")
    [row] = warehouse.rows(f"select * from stage.staged_patients where study_key = '{study}'")
    assert row["patient_age"] == age
    assert row["failed_casts"] == (["patient_age"] if is_lost else [])


def test_multi_valued_attributes_are_arrays_of_their_type(warehouse: Warehouse) -> None:
    row = staged_image(warehouse, "1.2.840.1.1.1")
    assert row["pixel_spacing"] == [0.5, 0.75]
    assert row["image_position_patient"] == [-10.0, 0.5, 100.0]
    assert row["image_type"] == ["ORIGINAL", "PRIMARY", "AXIAL"]
    assert (row["rows"], row["columns"]) == (512, 256)


def test_keys_uids_pseudonyms_and_dates_are_what_the_oracle_computes(warehouse: Warehouse) -> None:
    image = staged_image(warehouse, "1.2.840.1.1.1")
    assert image["patient_key"] == PATIENT
    assert image["study_key"] == ORACLE.key("study_key", "1.2.840.1")
    assert image["series_key"] == ORACLE.key("series_key", "1.2.840.1.1")
    assert image["device_key"] == ORACLE.id("device_key", "14:ACME3:One7:SN-0815")
    assert image["sop_instance_uid"] == ORACLE.uid("1.2.840.1.1.1")
    assert image["period_key"] == ORACLE.id("study_period", "2012-03")
    [study] = warehouse.rows(
        f"select * from stage.staged_studies where study_key = '{image['study_key']}'"
        f" and period_key = '{image['period_key']}'"
    )
    assert study["patient_id"] == ORACLE.id("PatientID", "MRN-4711")
    assert study["study_instance_uid"] == ORACLE.uid("1.2.840.1")
    assert study["study_date"] == date(2012, 3, 4) - SHIFT


def test_a_uid_is_valid_and_below_2_to_the_128(warehouse: Warehouse) -> None:
    rows = warehouse.rows("select sop_instance_uid from stage.staged_images")
    for uid in (row["sop_instance_uid"] for row in rows):
        root, number = uid[:5], uid[5:]
        assert root == "2.25." and number[0] != "0" and int(number) < 2**128 and len(uid) <= 64


def test_a_shift_is_whole_weeks_between_one_and_ten_years() -> None:
    days = {ORACLE.shift_days(ORACLE.patient_key(str(n))) for n in range(500)}
    assert all(day % 7 == 0 and 364 <= day <= 3640 for day in days)
    assert len(days) > 200


def test_the_parts_of_a_key_are_not_concatenated_ambiguously(warehouse: Warehouse) -> None:
    """MRN-4711 of CLINIC and MRN-4711C of LINIC have the same concatenation."""
    keys = {row["patient_key"] for row in warehouse.rows("select * from stage.staged_patients")}
    expected = [("MRN-4711", "CLINIC"), ("MRN-4711", "OTHER"), ("MRN-4711C", "LINIC")]
    assert {ORACLE.patient_key(*parts) for parts in expected} <= keys


def test_without_a_patient_id_the_study_is_used_as_the_patient(warehouse: Warehouse) -> None:
    key = ORACLE.id("patient_key", "29:1.2.840.6")
    [row] = warehouse.rows(f"select * from stage.staged_patients where patient_key = '{key}'")
    assert row["patient_id"] is None


def test_without_a_serial_number_the_device_is_identified_by_place_and_model(
    warehouse: Warehouse,
) -> None:
    row = staged_image(warehouse, "1.2.840.4.1.2")
    parts = ["ACME", "One", "ROOM3", "Hospital of the Holy Ghost"]
    text = "2" + "".join(f"{len(part)}:{part}" for part in parts)
    assert row["device_key"] == ORACLE.id("device_key", text)


def test_a_date_that_cannot_be_true_is_null_and_counted(warehouse: Warehouse) -> None:
    [image] = [staged_image(warehouse, "1.2.840.1.1.implausible")]
    assert (image["acquisition_date"], image["content_date"]) == (None, date(2012, 3, 4) - SHIFT)
    assert image["failed_casts"] == ["acquisition_date"]


def test_the_leak_check_finds_a_timestamp_that_was_not_shifted(
    changing: Warehouse, tmp_path: Path
) -> None:
    """In a column that the site added to the mapping."""
    lines = changing.seed.read_text().splitlines(keepends=True)
    seed = tmp_path / changing.seed.name
    seed.write_text("".join(line for line in lines if not line.startswith("images,constant")))
    mapping = load_mapping(seed)
    assert check(changing, mapping=mapping).found == 0
    key = ORACLE.key("image_key", f"1.2.840.7.1.{[v[2] for v in VALUES].index('taken')}")
    changing.execute(
        "update stage.staged_images set taken = timestamp '2012-03-04 23:59:58'"
        f" where image_key = '{key}'"
    )
    assert to_remove(check(changing, mapping=mapping)) == [("images", "taken")]
