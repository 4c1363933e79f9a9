"""Values that are kept: they must not name the patient, nor have the form of an identifier."""

from __future__ import annotations

import pytest

from dicom_pipeline.deid.cleaning.kept_values import (
    LONGEST_KEPT,
    KeptValues,
    Kind,
    is_short_enough,
    kind_of,
)
from tests.support.cleaned_texts import ARCHIVE, DOE, HAND, LI, OBRIEN, SHEN

from .own import cleaner, defined_terms, device_terms, own_terms

JUDGE = KeptValues(cleaner(), defined_terms())


def leaked(
    patient: dict[str, str],
    value: str,
    attribute: str = "",
    kind: Kind = Kind.CODE,
    *,
    is_array: bool = False,
) -> bool:
    own = own_terms(patient)
    return JUDGE.names_patient(
        value, attribute, own, kind, is_array=is_array
    ) or JUDGE.has_identifier(value, attribute, kind, is_array=is_array)


@pytest.mark.parametrize("kind", [Kind.CODE, Kind.TEXT])
@pytest.mark.parametrize(
    ("patient", "value"),
    [
        (DOE, "DOE"),
        (DOE, "CHEST_DOE"),
        (DOE, "MRN 4711"),
        (DOE, "4711"),
        (DOE, "AB_12_34"),
        (DOE, "BRAINARD"),
        (DOE, "HOLY"),
        (HAND, "HAND"),
        (OBRIEN, "ZOE"),
        (SHEN, "心臓"),
        # a date of the patient, in the digits of any order
        (DOE, "4 3 12"),
        (DOE, "460731"),
        # the form of an identifier, whosever
        (DOE, "20120304"),
        (DOE, "7654321"),
        (DOE, "MAR_24_2011"),
        (DOE, "0228 287-15000"),
        (DOE, "Dr. Tobler"),
        (DOE, "tobler@example.org"),
    ],
)
def test_a_value_that_identifies_somebody_is_leaked(
    patient: dict[str, str], value: str, kind: Kind
) -> None:
    assert leaked(patient, value, kind=kind)


@pytest.mark.parametrize("kind", [Kind.CODE, Kind.TEXT])
@pytest.mark.parametrize(
    ("patient", "value"),
    [
        (DOE, "CHEST"),
        (DOE, "HAND"),
        (DOE, "DOES"),  # a term is a whole token
        (DOE, "AB 12"),
        (DOE, "JD"),  # initials
        (DOE, "ORIGINAL\\PRIMARY"),
        (DOE, "RAPID 2"),  # PID is a part of a word
        (DOE, "心臓"),
        (DOE, "Hispanic or Latino"),
        (DOE, ""),
    ],
)
def test_another_value_is_kept(patient: dict[str, str], value: str, kind: Kind) -> None:
    assert not leaked(patient, value, kind=kind)


@pytest.mark.parametrize(
    "text",
    [
        "Hr. Tobler",
        "Frau Dr. Meier",
        "reported by Farmer",
        "patient: Page",
        "room 12",
        "12 Main Street",
        "aged 95",
        "Holy Cross Hospital",
    ],
)
def test_a_text_with_a_name_or_number_after_a_title_or_label_is_leaked(text: str) -> None:
    assert leaked(LI, text, "EthnicGroup", Kind.TEXT)


def test_a_defined_term_of_the_attribute_is_kept() -> None:
    assert not leaked(HAND, "HAND", "BodyPartExamined")
    assert not leaked(HAND, "Hand", "BodyPartExamined")
    assert not leaked(HAND, " HAND\u00a0", "BodyPartExamined")
    assert leaked(HAND, "HAND", "Laterality")
    assert leaked(HAND, "HAND\\PAGE", "BodyPartExamined", is_array=True)
    assert not leaked(HAND, "HAND\\CHEST", "BodyPartExamined", is_array=True)


def test_defined_terms_apply_to_paths_and_to_attributes_with_the_terms_of_another_one() -> None:
    patient = {"PatientName": "Axial^Mosaic", "PatientID": "x1y"}
    path = "SharedFunctionalGroupsSequence[0].CTImageFrameTypeSequence[0].FrameType"
    for attribute in ("ImageType", "FrameType", path):
        assert not leaked(patient, "ORIGINAL\\AXIAL\\MOSAIC", attribute, is_array=True)
    assert leaked(patient, "MOSAIC", "ScanOptions")


def test_a_number_in_a_code_is_leaked_if_it_is_an_identifier_or_a_date() -> None:
    # 150000: Image Type of mammography and digital radiography devices
    for number in ("150000", "100000", "75000", "19200", "512", "0"):
        assert not leaked(DOE, f"DERIVED\\PRIMARY\\\\{number}", "ImageType", is_array=True)
        own = {"PatientName": "Doe^Jo", "PatientID": number}
        is_identifier = len(number) > 2  # shorter ones equal any number by chance
        assert leaked(own, f"DERIVED\\{number}", "ImageType", is_array=True) == is_identifier
    for number in ("190503", "030519", "051319", "201905", "20190503", "4711823"):
        assert leaked(DOE, f"DERIVED\\PRIMARY\\{number}", "ImageType", is_array=True)


def test_a_term_extends_across_a_backslash_only_in_a_single_value() -> None:
    assert leaked(DOE, "AB\\12\\34")
    assert not leaked(DOE, "AB\\12\\34", is_array=True)


def test_a_term_is_found_in_each_of_several_equal_values() -> None:
    assert leaked(ARCHIVE, "BREAST_MRI_001\\Breast_MRI_001", is_array=True)


def test_codes_of_public_lists_are_searched_for_terms_only() -> None:
    assert leaked(DOE, "4711", kind=Kind.LISTED)
    assert not leaked(DOE, "7654321", kind=Kind.LISTED)
    assert not leaked(DOE, "120403", kind=Kind.LISTED)  # equals a date by chance


def test_the_kind_of_a_column_is_that_of_its_function_and_attribute() -> None:
    assert kind_of("images", "ImageType", "keep_code") is Kind.CODE
    assert kind_of("patients", "EthnicGroup", "keep") is Kind.TEXT
    assert kind_of("devices", "SoftwareVersions", "keep") is Kind.VERSION
    path = "ContributingEquipmentSequence[0].SoftwareVersions"
    assert kind_of("images", path, "keep") is Kind.VERSION


def found_in_version(value: str, *patients: dict[str, str]) -> bool:
    own = device_terms(*patients)
    return JUDGE.names_patient(value, "SoftwareVersions", own, Kind.VERSION, is_array=True)


def test_versions_are_searched_for_long_terms_of_the_patients_of_the_device() -> None:
    patients = (DOE, HAND, {"PatientID": "X99", "PatientName": "Li^Na"})
    assert found_in_version("CT Hand", *patients)
    assert found_in_version("5.1\\Brainard 2", *patients)
    assert not found_in_version("Li X99", *patients)  # short
    assert not found_in_version("4.3.12", *patients)  # equals a date of a patient by chance


@pytest.mark.parametrize("version", ["Ver 2.1", "PMS/DICOM 4.0 MIMIT", "Rev B", "SP2", "Release 4"])
def test_a_word_of_versions_is_no_name_in_them(version: str) -> None:
    words = [word for word in version.replace("/", " ").split() if word.isalpha()]
    for word in (*words, "Sp"):
        patient = {"PatientName": f"{word}^Anna", "PatientID": "x1", "InstitutionName": word}
        if word != "MIMIT":
            assert not found_in_version(version, patient), word
        assert found_in_version(f"{version} Anna", patient)


def test_a_long_value_is_not_kept() -> None:
    assert is_short_enough("x" * LONGEST_KEPT)
    assert not is_short_enough("x" * (LONGEST_KEPT + 1))
