"""Dates in unusual renderings are removed, of the patient and of anybody else; parameters stay."""

from __future__ import annotations

import pytest

from dicom_pipeline.deid.cleaning.own_dates import OwnDates

from .own import cleaned

PATIENT = {"PatientID": "P-77", "PatientName": "Quasten^Ada", "StudyDate": "20160317"}


@pytest.mark.parametrize(
    "text",
    [
        "CT chest 1 7 0 3 2 0 1 6",
        "CT chest 2 0 1 6 0 3 1 7",
        "CT chest 1-7-0-3-1-6",
        "CT chest 1.7.0.3.2.0.1.6",
        "CT chest 8/6/1437",
        "CT chest 1437/06/08",
        "CT chest 8-6-1437 AH",
    ],
)
def test_a_date_of_the_patient_is_removed(text: str) -> None:
    assert cleaned(PATIENT, text) == "CT chest [removed]"


@pytest.mark.parametrize(
    "text",
    [
        "CT chest 2021-W47-1",
        "CT chest 2012-W16",
        "CT chest KW 20/2019",
        "CT chest week 7 of 2011",
        "CT chest Q2 1981",
        "CT chest 2019/Q3",
        "CT chest 27/08/2521",
        "CT chest 1399/05/23",
        "CT chest the eleventh of July 2019",
        "CT chest March the twenty-first",
        "CT chest 11月 '26",
        "CT chest 6月 04",
    ],
)
def test_a_date_of_anybody_is_removed(text: str) -> None:
    assert cleaned(PATIENT, text) == "CT chest [removed]"


def test_a_year_of_birth_of_anybody_is_removed() -> None:
    assert "1951" not in (cleaned(PATIENT, "CT chest geb. 1951") or "")
    assert "1951" not in (cleaned(PATIENT, "CT chest born: 1951") or "")


@pytest.mark.parametrize(
    "text",
    [
        "DWI b 0 50 100 500 1000",
        "Levels 1 2 3 4 5 6 7 8",
        "Phase 1/10 2/10",
        "TE 30/60/1400",
        "5/10 Phase",
        "T1 2/3",
        "Q1 ratio",
        "W 400 L 40",
        "week 12",
        "second phase",
        "first pass perfusion",
    ],
)
def test_parameters_of_images_stay(text: str) -> None:
    assert cleaned(PATIENT, text) == text


@pytest.mark.parametrize(
    ("day", "hijri"),
    # published conversions: 1 Muharram of three years, and the first day of a Ramadan
    [
        ("19790520", "13990623"), ("20000406", "14210101"), ("20180911", "14400101"),
        ("20230719", "14450101"), ("20240311", "14450901"),
    ],
)  # fmt: skip
def test_a_day_has_its_date_in_the_islamic_calendar(day: str, hijri: str) -> None:
    assert hijri in OwnDates.of([day]).complete
