"""Values that are kept: they must not name the patient, nor have the form of an identifier."""

from __future__ import annotations

import pytest

from dicom_pipeline.deid.cleaning.kept_values import LONGEST_KEPT, is_leaked, is_short_enough
from tests.support.cleaned_texts import ARCHIVE, DOE, HAND, OBRIEN, SHEN

from .own import defined_terms, device_terms, own_terms


def leaked(
    patient: dict[str, str], value: str, attribute: str = "", *, is_array: bool = False
) -> bool:
    terms = defined_terms().get(attribute, ())
    return is_leaked(value, own_terms(patient), terms, is_array=is_array, is_code=True)


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
        # the form of an identifier, whosever
        (DOE, "20120304"),
        (DOE, "7654321"),
        (DOE, "MAR_24_2011"),
    ],
)
def test_a_value_that_identifies_somebody_is_leaked(patient: dict[str, str], value: str) -> None:
    assert leaked(patient, value)


@pytest.mark.parametrize(
    ("patient", "value"),
    [
        (DOE, "CHEST"),
        (DOE, "HAND"),
        (DOE, "DOES"),  # a term is a whole token
        (DOE, "AB 12"),
        (DOE, "JD"),  # initials
        (DOE, "ORIGINAL\\PRIMARY"),
        (DOE, "心臓"),
        (DOE, ""),
    ],
)
def test_another_value_is_kept(patient: dict[str, str], value: str) -> None:
    assert not leaked(patient, value)


def test_a_defined_term_of_the_attribute_is_kept() -> None:
    assert not leaked(HAND, "HAND", "BodyPartExamined")
    assert not leaked(HAND, " HAND\u00a0", "BodyPartExamined")
    assert leaked(HAND, "HAND", "Laterality")
    assert leaked(HAND, "HAND\\PAGE", "BodyPartExamined", is_array=True)
    assert not leaked(HAND, "HAND\\CHEST", "BodyPartExamined", is_array=True)


def test_a_term_extends_across_a_backslash_only_in_a_single_value() -> None:
    assert leaked(DOE, "AB\\12\\34")
    assert not leaked(DOE, "AB\\12\\34", is_array=True)


def test_a_term_is_found_in_each_of_several_equal_values() -> None:
    assert leaked(ARCHIVE, "BREAST_MRI_001\\Breast_MRI_001", is_array=True)


def test_values_of_devices_are_searched_for_long_terms_of_all_patients() -> None:
    device = device_terms(DOE, HAND, {"PatientID": "X99", "PatientName": "Li^Na"})

    def found(value: str) -> bool:
        return is_leaked(value, device, (), is_array=False, is_code=False)

    assert found("CT Hand")
    assert found("Brainard 2")
    assert not found("Li X99")  # short
    assert not found("SN 7654321")  # the form of an identifier is usual


def test_a_long_value_is_not_kept() -> None:
    assert is_short_enough("x" * LONGEST_KEPT)
    assert not is_short_enough("x" * (LONGEST_KEPT + 1))
