"""Every attribute of the dictionary in a sequence item, against Table E.1-1 of PS3.15.

The test judges the output of the build, not the seed.
"""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from pydicom.datadict import DicomDictionary, keyword_for_tag
from pydicom.sr._concepts_dict import concepts

from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.deid.cleaning.sequence_values import CODING_SCHEMES
from tools.deid_standard import (
    CLEANED_DATE,
    CLEANED_TEXT,
    PROFILES,
    Verdict,
    standard,
    verdict,
)

from .archive import file
from .conftest import KEY, Warehouse
from .oracle import Oracle

SEED = DBT_PROJECT_DIR / "seeds" / "sequence_attributes.csv"
with SEED.open(newline="") as seed_file:
    LINES = {line["tag"]: line for line in csv.DictReader(seed_file)}
ORACLE = Oracle(KEY)
GROUPS = "SharedFunctionalGroupsSequence"
TEXT = ("LO", "LT", "SH", "ST", "UC", "UT")
NUMBERS = ("DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV")
NESTED = "00081250"  # RelatedSeriesSequence, whose items are cleaned
UNKNOWN_WORD = "Zyxquorn"
WRITTEN: dict[str, Any] = {
    "UI": "1.2.840.77.1",
    "DA": "20120304",
    "DT": "20120304101112",
    "TM": "101112",
    "AS": "095Y",
    "CS": UNKNOWN_WORD.upper(),
    "AT": "00280010",
    "PN": {"Alphabetic": UNKNOWN_WORD},
    "AE": UNKNOWN_WORD,
    "UR": UNKNOWN_WORD,
    **dict.fromkeys(TEXT, f"chest {UNKNOWN_WORD}"),
    **dict.fromkeys(NUMBERS, 42),
}


def attributes() -> dict[str, str]:
    """Return the VRs of all tags that a sequence of the raw zone can have, except binary VRs."""
    vrs = {
        f"{tag:08X}": entry[0].replace("US or SS", "US") for tag, entry in DicomDictionary.items()
    }
    return {tag: vr for tag, vr in sorted(vrs.items()) if tag > "0008" and vr in (*WRITTEN, "SQ")}


VRS = attributes()


def lines(nested: list[str]) -> list[str]:
    """Return an item that has all these attributes."""
    made: list[str] = []
    for tag, vr in VRS.items():
        head = f'"{tag}": {{"vr": "{vr}"'
        if vr == "SQ":
            inside = nested if tag == NESTED else ['"00280010": {"vr": "US", "Value": [512]}']
            made += [f'{head}, "Value": [', "{", *inside, "}", "]},"]
        else:
            made.append(f'{head}, "Value": [{json.dumps(WRITTEN[vr])}]}},')
    return [*made[:-1], made[-1].removesuffix(",")]


@pytest.fixture(scope="module", params=list(PROFILES))
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A profile and the item after de-identification, at the top level and nested."""
    profile: str = request.param
    warehouse = Warehouse(tmp_path_factory.mktemp(profile))
    warehouse.create()
    warehouse.clean_sequences_under_strict()
    text = "\n".join(["[", "{", *lines(lines(['"00280010": {"vr": "US"}'])), "}", "]"])
    warehouse.raw.write("2012-03", [file("1", "1", 1, **{GROUPS: text})])
    done = warehouse.dbt("build", "--select", "+staged_images", DICOM_DEID_PROFILE=profile)
    assert done.returncode == 0, done.stdout
    [row] = warehouse.rows(
        "select shared_functional_groups_sequence as made from stage.staged_images"
    )
    [item] = json.loads(row["made"])
    return profile, item


def done_to(tag: str, element: dict[str, Any]) -> frozenset[str]:
    """Return the actions of the table that the output corresponds to."""
    vr = VRS[tag]
    if "Value" not in element:
        return frozenset({"X", "Z", "D"})
    if vr == "SQ":
        return frozenset({"U", "K", CLEANED_TEXT})
    [value] = element["Value"]
    if value == WRITTEN[vr]:
        return frozenset({"K", CLEANED_DATE} if vr == "TM" else {"K"})
    if vr == "UI":
        assert value == ORACLE.uid(WRITTEN[vr])
        return frozenset({"Z", "D", "U"})
    if vr in ("DA", "DT"):
        assert value[8:] == WRITTEN[vr][8:]
        return frozenset({CLEANED_DATE})
    assert vr == "AS" or UNKNOWN_WORD.lower() not in value.lower()
    return frozenset({CLEANED_TEXT})


def is_removed_by_vr(tag: str, profile: str) -> bool:
    """Return whether a rule for the VR removes the element; see `action_of_vr`."""
    vr = VRS[tag]
    if vr in ("PN", "AE", "UR", "UI", "DA", "DT"):
        return True
    if vr in ("TM", "AS"):
        return profile == "strict"
    return vr in TEXT and standard().rule(int(tag, 16)) is None


def problems(item: dict[str, dict[str, Any]], profile: str) -> dict[str, Verdict]:
    found: dict[str, Verdict] = {}
    for tag, element in item.items():
        may = standard().actions(int(tag, 16), PROFILES[profile])
        judged = verdict(done_to(tag, element), may)
        excused = is_removed_by_vr(tag, profile) or LINES.get(tag, {}).get("reason")
        if judged is Verdict.KEEPS or (judged is Verdict.REMOVES and not excused):
            found[keyword_for_tag(int(tag, 16))] = judged
    return found


def test_the_output_of_each_attribute_follows_the_profile(built: Any) -> None:
    profile, item = built
    assert list(item) == list(VRS) and len(item) > 4000
    assert problems(item, profile) == {}


def test_the_output_is_the_same_at_any_depth(built: Any) -> None:
    _, item = built
    [nested] = item[NESTED]["Value"]
    del nested[NESTED], item[NESTED]
    assert nested == item


def test_the_judgement_detects_wrongly_kept_and_wrongly_removed_values(built: Any) -> None:
    profile, item = built
    assert profile in PROFILES
    wrong: dict[str, tuple[str, Any, Verdict]] = {
        "00080050": ("AccessionNumber", ["chest Zyxquorn"], Verdict.KEEPS),
        "00100030": ("PatientBirthDate", ["20120304"], Verdict.KEEPS),
        "00081155": ("ReferencedSOPInstanceUID", [WRITTEN["UI"]], Verdict.KEEPS),
        "00081072": ("OperatorIdentificationSequence", [{}], Verdict.KEEPS),
        "00280010": ("Rows", None, Verdict.REMOVES),
        "00400555": ("AcquisitionContextSequence", [{}], Verdict.KEEPS),
    }
    mutant = item | {
        tag: {"vr": VRS[tag]} | ({"Value": value} if value else {})
        for tag, (_, value, _) in wrong.items()
    }
    assert problems(mutant, profile) == {name: judged for name, _, judged in wrong.values()}


def test_the_seed_lists_attributes_of_the_dictionary_in_tag_order() -> None:
    assert {tag: keyword_for_tag(int(tag, 16)) for tag in LINES} == {
        tag: line["keyword"] for tag, line in LINES.items()
    }
    assert list(LINES) == sorted(LINES)
    for tag, line in LINES.items():
        if reason := line["reason"]:
            assert reason[0].isupper() and reason.endswith(".") and len(reason.split()) >= 6, tag


def test_elements_with_defined_terms_are_kept_as_codes() -> None:
    with SEED.with_name("defined_terms.csv").open(newline="") as terms_file:
        defined = {line["attribute"] for line in csv.DictReader(terms_file)}
    named = {line["keyword"] for line in LINES.values() if line["research"] == "keep_code"}
    assert len(defined) > 10
    assert defined <= named


def test_the_coding_schemes_of_the_standard_are_listed() -> None:
    assert set(concepts) <= CODING_SCHEMES
