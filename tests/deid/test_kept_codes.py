"""Codes are kept in capitals, as the standard defines them, or not at all."""

from __future__ import annotations

import pytest

from dicom_pipeline.deid.cleaning.kept_codes import IN_CAPITALS, UNCHANGED, KeptCodes

from .own import cleaner, defined_terms

CODES = KeptCodes(cleaner(), defined_terms())


@pytest.mark.parametrize("attribute", sorted(defined_terms()))
def test_each_defined_term_is_kept_in_any_case(attribute: str) -> None:
    for term in defined_terms()[attribute]:
        for value in (term, term.lower(), term.title(), f" {term}\u00a0"):
            assert CODES.code(value, attribute) == term


@pytest.mark.parametrize(
    ("attribute", "value", "code"),
    [
        # the form of a Code String decides in capitals only
        ("BodyPartExamined", "KNIE", "KNIE"),
        ("BodyPartExamined", "KOWALSKI", "KOWALSKI"),
        ("BodyPartExamined", "Kowalski", None),
        ("BodyPartExamined", "Thorax", "THORAX"),
        ("BodyPartExamined", "Head & Neck", "HEAD & NECK"),
        ("BodyPartExamined", "T-SPINE", "T-SPINE"),
        ("BodyPartExamined", "CHEST/ABD", "CHEST/ABD"),
        ("BodyPartExamined", "ABDOMEN_PELVIS_THIGHS", "ABDOMEN_PELVIS_THIGHS"),
        ("BodyPartExamined", "Schädel", None),  # a Code String has ASCII characters only
        ("BodyPartExamined", "ﬁnger", None),
        ("ImageType", "T2*", "T2*"),
        ("ImageType", "b1000", "B1000"),
        ("ImageType", "VMI 40 keV", "VMI 40 KEV"),
        ("ImageType", "CT_SOM7 SPI DUAL ENERGY", "CT_SOM7 SPI DUAL ENERGY"),
        ("PatientPosition", "hfs", "HFS"),
        ("Modality", "ct", "CT"),
        # written in full
        ("PatientSex", "Male", "M"),
        ("PatientSex", "FEMALE", "F"),
        ("PatientSex", "female", "F"),
        ("PatientSex", "m", "M"),
        ("PatientSex", "W", "W"),
        ("Laterality", "Left", "L"),
        ("ImageLaterality", "right", "R"),
        ("BodyPartExamined", "Male", "MALE"),
        # text
        ("Laterality", "left hand of G. Habermann", None),
        ("BodyPartExamined", "hand on 12.3.2012", None),
        ("BodyPartExamined", "hand, Dr. Page", None),
        ("BodyPartExamined", "hand 0228 287150", None),
        ("BodyPartExamined", "chest " * 11, None),  # too long
        ("BodyPartExamined", "chest\x1b", None),
        # several values where the attribute has one
        ("Modality", "CT\\SR", None),
        ("Modality", "", None),
        ("Modality", " ", None),
    ],
)
def test_a_code_is_kept_in_capitals_if_it_is_safe(
    attribute: str, value: str, code: str | None
) -> None:
    assert CODES.code(value, attribute) == code


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("CHEST", UNCHANGED),
        (" CHEST", UNCHANGED),
        ("Chest", IN_CAPITALS),
        ("T-Spine", IN_CAPITALS),
        ("TOBLER", UNCHANGED),
        ("Tobler", ""),
    ],
)
def test_the_form_of_a_code_does_not_contain_the_value(value: str, form: str) -> None:
    assert CODES.form(value, "BodyPartExamined") == form


def test_the_form_of_a_value_that_is_written_in_full_is_its_term() -> None:
    assert CODES.form("Male", "PatientSex") == "M"
    assert CODES.form("m", "PatientSex") == IN_CAPITALS
