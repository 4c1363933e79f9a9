"""The items of sequences are cleaned: each value by its tag or its VR."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from dicom_pipeline.config.settings import Profile
from dicom_pipeline.deid.cleaning.sequence_cleaning import CleanedSequence, SequenceCleaner
from dicom_pipeline.mapping.attribute_mapping import MappingError
from dicom_pipeline.mapping.sequence_attributes import SEQUENCE_CSV, load_sequence_attributes
from tests.warehouse.sequence_files import BROKEN, CT, DOE, FILES, TAMPERED, Who

from .own import cleaner, defined_terms, own_terms

CLEANERS = {
    profile: SequenceCleaner(load_sequence_attributes(profile), profile, cleaner(), defined_terms())
    for profile in Profile
}


def new_uid(uid: str) -> str:
    return f"2.25.{uid}"


def clean(who: Who, text: str, profile: Profile = Profile.RESEARCH) -> CleanedSequence:
    return CLEANERS[profile].clean(text, own_terms(who), shift_days=364, uid=new_uid)


def clean_file(name: str, profile: Profile = Profile.RESEARCH) -> CleanedSequence:
    who, [text] = FILES[name][0], FILES[name][1].values()
    return clean(who, text, profile)


def raw_items(name: str) -> list[dict[str, Any]]:
    [text] = FILES[name][1].values()
    found: list[dict[str, Any]] = json.loads(text)
    return found


def items(name: str, profile: Profile = Profile.RESEARCH) -> list[dict[str, Any]]:
    result = clean_file(name, profile)
    assert result.text is not None
    assert not result.failed
    found: list[dict[str, Any]] = json.loads(result.text)
    return found


def one_element(tag: str, vr: str, *values: object, who: Who = DOE) -> list[object] | None:
    """Return the values of an element after cleaning; None if it has none."""
    line = f'"{tag}": {{"vr": "{vr}", "Value": {json.dumps(values)}}}'
    text = clean(who, f"[\n{{\n{line}\n}}\n]").text
    assert text is not None
    [[element]] = [list(item.values()) for item in json.loads(text)]
    found: list[object] | None = element.get("Value")
    return found


def test_each_value_is_treated_by_its_vr_and_its_tag() -> None:
    [one] = items("values")
    assert {tag: e["Value"] for tag, e in one.items() if "Value" in e} == {
        "00080020": ["20110306"],
        "0008002A": ["20110306101112"],
        "00080030": ["101112"],
        "0008103E": ["Chest of [removed], axial"],
        "00101010": ["090Y"],
        "00180015": ["CHEST"],
        "00081160": [1, 2],
        "00209158": ["[removed]: 2 views"],
        "00209167": ["00289110"],
        "00280010": [512],
        "00280030": [0.5, 0.75],
    }
    # removed values leave an element without a value
    assert {tag: e["vr"] for tag, e in one.items()} == {
        tag: e["vr"] for tag, e in raw_items("values")[0].items()
    }
    assert clean_file("values").is_leaked  # "left of Doe" in a code


def test_strict_leaves_no_dates_times_texts_or_patient_characteristics() -> None:
    [one] = items("values", Profile.STRICT)
    assert {tag: e["Value"] for tag, e in one.items() if "Value" in e} == {
        "00180015": ["CHEST"],
        "00081160": [1, 2],
        "00209167": ["00289110"],
        "00280010": [512],
        "00280030": [0.5, 0.75],
    }


def test_codes_of_the_standard_are_kept_and_codes_of_a_site_are_cleaned_as_text() -> None:
    assert [
        tuple(one[tag].get("Value", [None])[0] for tag in ("00080100", "00080102", "00080104"))
        for one in items("codes")
    ] == [
        ("T-D3000", "SRT", "Chest"),
        ("51185008", "SCT", "Chest of [removed]"),
        (None, "SCT", "Chest"),
        ("[removed]", "SCT", "Chest"),
        ("[removed]", "99[removed]", "axial"),
        ("mm", "UCUM", "mm"),
    ]
    assert clean_file("codes").is_leaked


def test_a_code_that_names_the_patient_is_removed_unless_the_standard_defines_it() -> None:
    first, second = items("hand")
    assert first["00180015"]["Value"] == ["HAND"]
    assert first["00080008"]["Value"] == ["ORIGINAL", "PRIMARY", None, None]
    assert second["00200060"] == {"vr": "CS"}
    assert clean_file("hand").is_leaked


def test_uids_are_replaced_except_those_of_the_standard() -> None:
    [one] = items("more uids")
    assert one["0008001A"]["Value"] == ["1.2.840.10008.1.2", "2.25.1.2.840.9", None]
    assert one["00081155"]["Value"] == [f"2.25.{CT}.20120304.1"]


def test_nested_sequences_are_cleaned_or_removed_completely() -> None:
    code_of_dcm = {
        "00080100": {"vr": "SH", "Value": ["113691"]},
        "00080102": {"vr": "SH", "Value": ["DCM"]},
        "00080104": {"vr": "LO", "Value": ["[removed]"]},
    }
    related = {
        "0020000D": {"vr": "UI", "Value": ["2.25.1.2.840.500"]},
        "0040A170": {"vr": "SQ", "Value": [code_of_dcm]},
    }
    assert items("nested") == [
        {
            "00081072": {"vr": "SQ"},
            "00081250": {"vr": "SQ", "Value": [related, {}]},
            "00280010": {"vr": "US", "Value": [512]},
        },
        {},
        {"00081072": {"vr": "SQ"}, "00081120": {"vr": "SQ"}},
    ]


def test_text_cannot_end_its_json_string() -> None:
    first, second = items("hostile")
    assert (list(first), list(second)) == (["00209158", "00280010"], ["00280010"])
    [text] = first["00209158"]["Value"]
    assert "Doe" not in text
    assert text.endswith('": {"vr": "LO", "Value": ["\\chest')


@pytest.mark.parametrize("name", ["many", "multi-frame"])
def test_numbers_keep_their_text_and_items_their_order(name: str) -> None:
    [text] = FILES[name][1].values()
    assert clean_file(name).text == text.replace("\n", "")


@pytest.mark.parametrize(
    "text",
    [
        *BROKEN.values(),
        "",
        '[\n{\n"00080104": {"vr": "LO", "Value": ["\\ud800"]}\n}\n]',
        '[\n{\n"00080104": {"vr": "LO", "Value": [{"a": [1]}\n]}\n}\n]',
    ],
)
def test_json_that_extraction_did_not_write_is_removed(text: str) -> None:
    assert clean(DOE, text) == CleanedSequence(None)


@pytest.mark.parametrize("name", TAMPERED)
def test_a_value_that_does_not_match_its_vr_is_removed(name: str) -> None:
    text = clean(DOE, f"[\n{{\n{TAMPERED[name]}\n}}\n]").text
    assert text is not None
    assert not re.search("doe|u0044|2012", text, re.IGNORECASE)


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("DA", "20120304", "20110306"),
        ("DA", "2012.03.04", "20110306"),
        ("DA", "20120230", None),
        ("DA", "17991231", None),
        ("DA", "19700101", None),
        ("DA", "1970.01.01", None),
        ("DA", "201203", None),
        ("DT", "20120304", "20110306"),
        ("DT", "20120304+0100", "20110306"),
        ("DT", "2012030410-0500", "2011030610"),
        ("DT", "20120304101112.123456", "20110306101112"),
        ("DT", "20120304106112", None),
        ("DT", "20120304101160", None),
        ("DT", "2012", None),
        ("DT", "19000101101112", None),
        ("TM", "10", "10"),
        ("TM", "10:11:12.25", "10:11:12"),
        ("AS", "45Y", "045Y"),
        ("DA", "19010101", None),
        ("DA", "18991230", None),
        ("TM", "1061", None),
        ("TM", "24", None),
        ("AS", "089Y", "089Y"),
        ("AS", "090Y", "090Y"),
        ("AS", "104Y", "090Y"),
        ("AS", "999M", "999M"),
        ("AS", "45", None),
        ("CS", "AXIAL", "AXIAL"),
        ("CS", "Axial", "AXIAL"),
        ("CS", "Kowalski", None),
        ("CS", "Doe", None),
        ("IS", 4711823, 4711823),
        ("CS", "DOE", None),
        ("CS", "20120304", None),
        ("AT", "00280010", "00280010"),
        ("UI", "1.2.3", "2.25.1.2.3"),
        ("UI", "1.2.840.10008.12345", "2.25.1.2.840.10008.12345"),
        ("LO", "chest", None),
        ("PN", "Doe", None),
        ("UN", "chest", None),
    ],
)
def test_the_vr_decides_about_elements_that_the_seed_does_not_name(
    vr: str, value: object, expected: object
) -> None:
    assert one_element("00291234", vr, value) == (None if expected is None else [expected])


def test_null_values_keep_their_position() -> None:
    assert one_element("00080104", "LO", None, "chest", "") == [None, "chest", None]
    assert one_element("00080104", "LO", None) is None
    assert one_element("00291234", "DS", None, 0.5) == [None, 0.5]


def test_a_sequence_is_removed_if_cleaning_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(uid: str) -> str:
        raise ValueError(uid)

    line = '"00080018": {"vr": "UI", "Value": ["1.2.3"]}'
    result = CLEANERS[Profile.RESEARCH].clean(
        f"[\n{{\n{line}\n}}\n]", own_terms(DOE), shift_days=7, uid=fail
    )
    assert result == CleanedSequence(None, failed=True)


def test_a_text_that_cannot_be_cleaned_is_removed_and_its_sequence_counts_as_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(tokens: object, text: str) -> object:
        raise ValueError(text)

    monkeypatch.setattr("dicom_pipeline.deid.cleaning.text_cleaning.pattern_spans", fail)
    result = clean_file("codes")
    assert result.failed
    assert [one["00080104"]["Value"] for one in json.loads(result.text or "")] == [
        ["[removed]"]
    ] * 6


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("7FE00010,PixelData,vanish,remove,", "7FE00010: unknown function 'vanish'"),
        ("xyz,PixelData,remove,remove,", "xyz: not a tag"),
        ("7FE00010,Pixel Data,remove,remove,", "'Pixel Data' is not a keyword"),
        ("00080005,SpecificCharacterSet,remove,remove,", "00080005: duplicate"),
        ("00080005", "expected 5 fields"),
    ],
)
def test_an_invalid_line_of_the_seed_is_refused(line: str, problem: str, tmp_path: Any) -> None:
    seed = tmp_path / SEQUENCE_CSV.name
    seed.write_text(SEQUENCE_CSV.read_text() + line + "\n")
    with pytest.raises(MappingError, match=problem):
        load_sequence_attributes(Profile.RESEARCH, seed)


NUMBERED: Who = {"PatientID": "04711823", "AccessionNumber": "4711", "StudyDate": "20120304"}


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize(
    ("vr", "number", "is_kept"),
    [
        ("IS", "4711823", False),
        ("DS", "4711823.0", False),
        ("FD", "4.711823e6", False),
        ("UL", "20120304", False),
        ("DS", "4032012", False),  # day, month and year, without the zero
        ("SL", "-4711823", True),
        ("DS", "4711823.5", True),
        ("FD", "1e300", True),
        ("IS", "4711", True),  # shorter identifiers equal numbers by chance
        ("IS", "120304", False),  # a date without its century
        ("IS", "12064", False),  # by the day of the year
        ("UL", "40972", False),  # days of spreadsheets: 1 January 2012 is 40909
        ("UV", "1330851600", False),  # seconds since 1970
        ("UV", "1330851600123456789", False),
        ("UL", "20120304103000", False),
        ("UL", "40974", True),
        ("UV", "1331151600", True),
        ("IS", "150000", True),
        ("US", "512", True),
    ],
)
def test_a_number_is_removed_if_it_is_an_identifier_or_a_date_of_the_patient(
    vr: str, number: str, is_kept: bool, profile: Profile
) -> None:
    line = f'"00291234": {{"vr": "{vr}", "Value": [1, null, {number}]}}'
    result = clean(NUMBERED, f"[\n{{\n{line}\n}}\n]", profile)
    kept = number if is_kept else "null"
    assert result.text == f'[{{"00291234": {{"vr": "{vr}", "Value": [1, null, {kept}]}}}}]'
    assert result.is_leaked != is_kept


def test_an_element_whose_only_number_is_removed_has_no_value() -> None:
    assert one_element("00291234", "IS", 4711823, who=NUMBERED) is None
    assert one_element("00291234", "IS", 4711823) == [4711823]
