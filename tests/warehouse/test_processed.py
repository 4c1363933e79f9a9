"""Processed tables: one row per entity, matching keys, correct counts, visible conflicts."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.ages import expected_years

from .conftest import KEY, Warehouse
from .oracle import Oracle

ORACLE = Oracle(KEY)
PATIENT = ORACLE.patient_key("MRN-4711", "CLINIC")
KEYS = {
    "patients": "patient_key",
    "studies": "study_key",
    "series": "series_key",
    "images": "image_key",
    "devices": "device_key",
}


def one(warehouse: Warehouse, table: str, key: str) -> dict[str, Any]:
    name = KEYS[table]
    [row] = warehouse.rows(f"select * from processed.processed_{table} where {name} = '{key}'")
    return row


def image(warehouse: Warehouse, uid: str) -> dict[str, Any]:
    return one(warehouse, "images", ORACLE.key("image_key", uid))


def study(warehouse: Warehouse, uid: str) -> dict[str, Any]:
    return one(warehouse, "studies", ORACLE.key("study_key", uid))


@pytest.mark.parametrize("table", KEYS)
def test_every_key_in_an_image_finds_exactly_one_row(warehouse: Warehouse, table: str) -> None:
    key = KEYS[table]
    joined, images = (
        warehouse.rows(f"select count(*) as n from processed.processed_images {more}")[0]["n"]
        for more in (f"join processed.processed_{table} using ({key})", "")
    )
    assert joined == images > 0


def test_all_patients_and_studies_of_the_raw_zone_are_published(warehouse: Warehouse) -> None:
    rows = warehouse.rows("select patient_key from processed.processed_patients")
    parts = [
        ("MRN-4711", "CLINIC"),
        ("MRN-4711", "OTHER"),
        ("MRN-4711C", "LINIC"),
        ("MRN-1", "CLINIC"),
    ]
    expected = {ORACLE.patient_key(*part) for part in parts}
    assert {row["patient_key"] for row in rows} == expected | {
        ORACLE.id("patient_key", "29:1.2.840.6")
    }


def test_of_files_with_one_uid_the_one_created_last_is_used(warehouse: Warehouse) -> None:
    row = image(warehouse, "1.2.840.1.1.twice")
    assert (row["instance_number"], row["instance_versions"], row["has_conflict"]) == (2, 3, True)
    assert image(warehouse, "1.2.840.1.1.1")["instance_versions"] == 1


def test_a_patient_has_first_and_last_measures_and_counts(warehouse: Warehouse) -> None:
    row = one(warehouse, "patients", PATIENT)
    assert (row["first_patient_age"], row["last_patient_age"]) == ("089Y", "090Y")
    assert (row["first_patient_weight"], row["last_patient_weight"]) == (70, 70)
    assert row["days_observed"] == 63
    assert row["modalities"] == ["CT", "MR"]
    assert row["patient_sex"] == "F"
    assert row["conflicting_attributes"] == ["patient_sex"] and row["has_conflict"]


def test_an_age_in_years_is_the_age_as_a_number(warehouse: Warehouse) -> None:
    ages = warehouse.rows(
        "select patient_age as age, age_years as years from processed.processed_studies union all"
        " select first_patient_age, first_age_years from processed.processed_patients union all"
        " select last_patient_age, last_age_years from processed.processed_patients"
    )
    assert [row["years"] for row in ages] == [expected_years(row["age"]) for row in ages]
    years = {row["years"] for row in ages}
    assert {None, 0.0, 0.01, 0.03, 0.58, 1.5, 44.0, 89.0, 90.0} <= years
    assert max(number for number in years if number is not None) == 90


def test_a_study_has_the_age_of_the_files_that_have_a_birth_date(warehouse: Warehouse) -> None:
    assert study(warehouse, "1.2.840.10")["patient_age"] == "044Y"


def test_a_study_without_a_study_date_has_the_age_at_its_first_date(warehouse: Warehouse) -> None:
    assert study(warehouse, "1.2.840.11")["patient_age"] == "059D"
    for day in ("20120417", "20120418", "20120519"):
        assert image(warehouse, f"1.2.840.11.{day}.1")["has_conflict"] is False


def test_studies_of_a_patient_are_numbered_with_the_days_between_them(warehouse: Warehouse) -> None:
    first, second = study(warehouse, "1.2.840.1"), study(warehouse, "1.2.840.4")
    assert (first["study_number"], second["study_number"]) == (1, 2)
    assert (first["days_since_previous_study"], second["days_since_previous_study"]) == (None, 63)
    assert (first["days_since_first_study"], second["days_since_first_study"]) == (0, 63)
    assert second["study_date"] - first["study_date"] == timedelta(days=63)
    assert (second["patient_age"], second["modalities"]) == ("090Y", ["MR"])


def test_a_study_without_a_date_has_no_number(warehouse: Warehouse) -> None:
    row = study(warehouse, "1.2.840.6")
    assert (row["study_number"], row["days_since_first_study"], row["image_count"]) == (
        None,
        None,
        1,
    )


def test_a_study_of_two_patients_belongs_to_one_of_them_and_has_a_conflict(
    warehouse: Warehouse,
) -> None:
    row = study(warehouse, "1.2.840.4")
    assert (row["patient_key"], row["patient_count"], row["image_count"]) == (PATIENT, 2, 5)
    assert row["conflicting_attributes"] == ["patient_id"]


def test_a_series_in_two_studies_belongs_to_the_study_with_most_images(
    warehouse: Warehouse,
) -> None:
    row = one(warehouse, "series", ORACLE.key("series_key", "1.2.840.4.2"))
    assert (row["study_key"], row["study_count"]) == (ORACLE.key("study_key", "1.2.840.4"), 2)
    assert row["image_count"] == 3


def test_a_device_has_all_its_software_versions(warehouse: Warehouse) -> None:
    row = one(warehouse, "devices", ORACLE.id("device_key", "14:ACME3:One7:SN-0815"))
    assert row["software_versions"] == ["syngo 1", "syngo 2", "syngo 3"]
    assert row["conflicting_attributes"] == []
