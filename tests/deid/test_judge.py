"""Judgement of columns by PS3.15 Table E.1-1."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dicom_pipeline.mapping.attribute_mapping import FUNCTIONS, Attribute, parse_attribute_path
from tools.deid_standard import (
    OPTION_CODES,
    PROFILES,
    Rule,
    Table,
    Verdict,
    done_by,
    judge,
    problems,
    standard,
)

CONFORMS, REMOVES, KEEPS = Verdict.CONFORMS, Verdict.REMOVES, Verdict.KEEPS
DATES = {"retain_longitudinal_full_dates": "K", "retain_longitudinal_modified_dates": "C"}
MADE_UP = Table(
    {
        "00100010": Rule("PatientName", "Z", {}),
        "00100020": Rule("PatientID", "Z/D", {}),
        "00081010": Rule("StationName", "X/Z/D", {"retain_device_identity": "K"}),
        "00101000": Rule("OtherPatientIDs", "X", {}),
        "00081030": Rule("StudyDescription", "X", {"clean_descriptors": "C"}),
        "00380050": Rule("SpecialNeeds", "X", {"retain_patient_characteristics": "C"}),
        "00080020": Rule("StudyDate", "Z", DATES),
        "00080030": Rule("StudyTime", "Z", DATES),
        "00100030": Rule("PatientBirthDate", "Z", {}),
        "00100032": Rule("PatientBirthTime", "X", {}),
        "0020000D": Rule("StudyInstanceUID", "U", {"retain_uids": "K"}),
        "00101020": Rule("PatientSize", "X", {"retain_patient_characteristics": "K"}),
        "00101010": Rule("PatientAge", "X", {"retain_patient_characteristics": "K"}),
        "00081140": Rule("ReferencedImageSequence", "X/Z/U*", {"retain_uids": "K"}),
        "00081111": Rule("ReferencedPerformedProcedureStepSequence", "X/Z/D", {}),
        "00400275": Rule("RequestAttributesSequence", "X", {"clean_descriptors": "C"}),
        "60xx3000": Rule("OverlayData", "X", {}),
    }
)
IN_A_SEQUENCE = "SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing"


def column(attribute: str, function: str, **more: object) -> Attribute:
    """Return a column with the same function in both profiles."""
    line = Attribute(
        table="images",
        column="column",
        attribute=attribute,
        vm="1",
        type="text",
        research=function,
        strict=function,
        reviewed=False,
        reason="",
        path=parse_attribute_path(attribute),
    )
    return replace(line, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("attribute", "function", "research", "strict"),
    [
        # names and identifiers: empty, or a dummy where one is allowed
        ("PatientName", "remove", CONFORMS, CONFORMS),
        ("PatientName", "pseudonym", CONFORMS, CONFORMS),
        ("PatientName", "keep", KEEPS, KEEPS),
        ("PatientName", "clean_text", KEEPS, KEEPS),
        ("PatientID", "pseudonym", CONFORMS, CONFORMS),
        ("PatientID", "remove", CONFORMS, CONFORMS),
        ("PatientID", "keep_number", KEEPS, KEEPS),
        ("OtherPatientIDs", "remove", CONFORMS, CONFORMS),
        ("OtherPatientIDs", "pseudonym", KEEPS, KEEPS),
        ("OtherPatientIDs", "anon_text", KEEPS, KEEPS),
        ("OtherPatientIDs", "uid", KEEPS, KEEPS),
        ("StationName", "pseudonym", CONFORMS, CONFORMS),
        ("StationName", "keep", KEEPS, KEEPS),
        # text: research has the option to clean it
        ("StudyDescription", "clean_text", CONFORMS, KEEPS),
        ("StudyDescription", "remove", REMOVES, CONFORMS),
        ("StudyDescription", "keep", KEEPS, KEEPS),
        ("StudyDescription", "shift_date", KEEPS, KEEPS),
        ("SpecialNeeds", "clean_text", CONFORMS, KEEPS),
        # dates and times: research has the option to shift them
        ("StudyDate", "shift_date", CONFORMS, KEEPS),
        ("StudyDate", "remove", REMOVES, CONFORMS),
        ("StudyDate", "keep", KEEPS, KEEPS),
        ("StudyDate", "keep_time", KEEPS, KEEPS),
        ("StudyDate", "keep_code", KEEPS, KEEPS),
        ("StudyDate", "clean_text", KEEPS, KEEPS),
        ("StudyTime", "keep_time", CONFORMS, KEEPS),
        ("StudyTime", "remove", REMOVES, CONFORMS),
        ("StudyTime", "keep", KEEPS, KEEPS),
        ("PatientBirthDate", "shift_date", KEEPS, KEEPS),
        ("PatientBirthDate", "remove", CONFORMS, CONFORMS),
        ("PatientBirthTime", "keep_time", KEEPS, KEEPS),
        # UIDs
        ("StudyInstanceUID", "uid", CONFORMS, CONFORMS),
        ("StudyInstanceUID", "keep", KEEPS, KEEPS),
        ("StudyInstanceUID", "remove", REMOVES, REMOVES),
        ("StudyInstanceUID", "pseudonym", REMOVES, REMOVES),
        # characteristics of the patient
        ("PatientSize", "keep_number", CONFORMS, KEEPS),
        ("PatientSize", "remove", REMOVES, CONFORMS),
        ("PatientAge", "age_cap", REMOVES, KEEPS),
        ("PatientAge", "keep", CONFORMS, KEEPS),
        # attributes that the table does not list
        ("EchoTime", "keep_number", CONFORMS, CONFORMS),
        ("EchoTime", "remove", REMOVES, REMOVES),
        ("Manufacturer", "clean_text", REMOVES, REMOVES),
        ("Manufacturer", "keep", CONFORMS, CONFORMS),
        # sequences: K means to clean inside; cleaning is one of the options
        ("ReferencedImageSequence", "clean_sequence", CONFORMS, KEEPS),
        ("ReferencedImageSequence", "remove", REMOVES, REMOVES),
        ("ReferencedPerformedProcedureStepSequence", "clean_sequence", KEEPS, KEEPS),
        ("ReferencedPerformedProcedureStepSequence", "remove", CONFORMS, CONFORMS),
        ("RequestAttributesSequence", "clean_sequence", CONFORMS, KEEPS),
        ("RequestAttributesSequence", "keep", KEEPS, KEEPS),
        ("RelatedSeriesSequence", "clean_sequence", CONFORMS, KEEPS),
        ("RelatedSeriesSequence", "keep", KEEPS, KEEPS),
        ("RelatedSeriesSequence", "remove", REMOVES, REMOVES),
        # paths: the last attribute and every sequence of the path are judged
        (IN_A_SEQUENCE, "keep_number", CONFORMS, CONFORMS),
        (IN_A_SEQUENCE, "remove", REMOVES, REMOVES),
        ("RelatedSeriesSequence[0].StudyInstanceUID", "uid", CONFORMS, CONFORMS),
        ("RelatedSeriesSequence[0].StudyInstanceUID", "keep", KEEPS, KEEPS),
        ("RequestAttributesSequence[0].StudyInstanceUID", "uid", CONFORMS, KEEPS),
        ("RequestAttributesSequence[0].StudyInstanceUID", "remove", REMOVES, CONFORMS),
        ("ReferencedPerformedProcedureStepSequence[0].EchoTime", "keep_number", KEEPS, KEEPS),
        ("ReferencedPerformedProcedureStepSequence[0].EchoTime", "remove", CONFORMS, CONFORMS),
        ("ReferencedPerformedProcedureStepSequence[0].PatientID", "pseudonym", KEEPS, KEEPS),
        (
            "RelatedSeriesSequence[0].RequestAttributesSequence[1].EchoTime",
            "keep_number",
            CONFORMS,
            KEEPS,
        ),
    ],
)
def test_a_function_is_judged_by_the_action_and_the_options(
    attribute: str, function: str, research: Verdict, strict: Verdict
) -> None:
    one = column(attribute, function)
    assert judge(one, "research", MADE_UP) == research
    assert judge(one, "strict", MADE_UP) == strict


def test_a_reason_permits_removing_but_not_keeping() -> None:
    removed = column("EchoTime", "remove")
    assert problems(removed, "strict", MADE_UP, {}) == [Verdict.REMOVES]
    assert problems(replace(removed, reason="  "), "strict", MADE_UP, {}) == [Verdict.REMOVES]
    assert problems(replace(removed, reason="It breaks."), "strict", MADE_UP, {}) == []
    kept = column("PatientName", "keep", reviewed=True, reason="We like it.")
    assert problems(kept, "strict", MADE_UP, {0x00100010: "Z"}) == [Verdict.KEEPS]


@pytest.mark.parametrize("function", ["keep", "keep_code", "keep_number"])
def test_text_is_kept_only_with_a_review_and_a_reason(function: str) -> None:
    text = column("Manufacturer", function)
    for reviewed, reason in [(False, ""), (True, ""), (True, " "), (False, "It is a product.")]:
        wrong = problems(replace(text, reviewed=reviewed, reason=reason), "strict", MADE_UP, {})
        assert wrong == ["keeps text that was not reviewed"]
    right = replace(text, reviewed=True, reason="It is a product.")
    assert problems(right, "strict", MADE_UP, {}) == []


def test_a_disagreement_of_the_two_sources_needs_a_reason() -> None:
    for second in ({}, {0x00100010: "D"}):
        name = column("PatientName", "remove")
        assert problems(name, "strict", MADE_UP, second) == [
            "the two sources of Table E.1-1 disagree"
        ]
        assert problems(replace(name, reason="Gone."), "strict", MADE_UP, second) == []
    listed_by_the_other_only = column("EchoTime", "keep_number")
    assert problems(listed_by_the_other_only, "strict", MADE_UP, {0x00180081: "X"})


def test_repeating_groups_are_found_by_any_of_their_tags() -> None:
    for tag in (0x60003000, 0x601E3000):
        rule = MADE_UP.rule(tag)
        assert rule and rule.name == "OverlayData"
    assert MADE_UP.rule(0x60000010) is None
    for tag in (0x60003000, 0x60FE4000, 0x50002500):
        assert standard().rule(tag), hex(tag)


def test_every_function_of_the_mapping_has_a_meaning_in_the_table() -> None:
    for function in FUNCTIONS:
        assert done_by(function, "LO", PROFILES["research"]) or function == "clean_sequence"
    with pytest.raises(KeyError):
        done_by("vanish", "LO", PROFILES["research"])


def test_options_are_those_that_the_table_names() -> None:
    named = {option for rule in standard().rules.values() for option in rule.options}
    assert set(OPTION_CODES) == named
    assert set().union(*PROFILES.values()) <= named
