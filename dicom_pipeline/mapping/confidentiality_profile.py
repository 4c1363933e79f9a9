"""The seed ``confidentiality_profile.csv``: what DICOM PS3.15 does with each attribute.

Belongs here: the actions of Table E.1-1 under our profiles, and the functions that they permit.
Does not belong here: the value representation (vr_functions), the lines of the mapping
(attribute_mapping).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.rule_seed import read_rules

PROFILE_CSV = DBT_PROJECT_DIR / "seeds" / "confidentiality_profile.csv"
# the options that a profile of ours claims; the seed has no other options
OPTIONS = (
    "retain_patient_characteristics",
    "retain_longitudinal_modified_dates",
    "clean_descriptors",
)
FIELDS = ("tag", "keyword", "basic_action", *OPTIONS, "source")
PROFILE_OPTIONS: Mapping[Profile, frozenset[str]] = {
    Profile.RESEARCH: frozenset(OPTIONS),
    Profile.STRICT: frozenset(),
}

# Action C means a shifted date or a cleaned text, depending on the option.
_SHIFTED, _CLEANED = "C of a date", "C of a text"
_DUMMY = frozenset({"Z", "D", "U", _SHIFTED, _CLEANED, "K"})
# By function: the actions of which one has to be allowed. X allows only `remove`, which every
# action allows. K allows everything.
PERMITTED_BY: Mapping[str, frozenset[str]] = {
    "remove": _DUMMY | {"X"},
    "pseudonym": _DUMMY,
    "anon_text": _DUMMY,
    "uid": _DUMMY,
    "shift_date": frozenset({_SHIFTED, "K"}),
    "shift_datetime": frozenset({_SHIFTED, "K"}),
    "keep_time": frozenset({_SHIFTED, "K"}),
    "clean_text": frozenset({_CLEANED, "K"}),
    "age_cap": frozenset({_CLEANED, "K"}),
    "clean_sequence": frozenset({"U", _CLEANED, "K"}),
    "keep": frozenset({"K"}),
    "keep_code": frozenset({"K"}),
    "keep_number": frozenset({"K"}),
}
# A sequence without any of these actions is removed, with everything in it.
_KEEPS_ITEMS = frozenset({"U", _CLEANED, "K"})
# clean_sequence cleans texts and shifts dates in the items, which requires both options
_SEQUENCE_OPTIONS = frozenset({"clean_descriptors", "retain_longitudinal_modified_dates"})


@cache
def _rows() -> Mapping[int, Mapping[str, str]]:
    return {int(row["tag"], 16): row for row in read_rules(PROFILE_CSV, FIELDS)}


def _actions_of_tag(tag: int, profile: Profile) -> frozenset[str]:
    """Return the allowed actions for a tag: K if the seed does not list it."""
    row = _rows().get(tag)
    if row is None:
        return frozenset({"K"})
    allowed = set(row["basic_action"].replace("*", "").split("/"))
    for option in PROFILE_OPTIONS[profile]:
        if row[option] == "C":
            is_date = option == "retain_longitudinal_modified_dates"
            allowed.add(_SHIFTED if is_date else _CLEANED)
        elif row[option]:
            allowed.add(row[option])
    return frozenset(allowed)


def actions(path: AttributePath, profile: Profile) -> frozenset[str]:
    """Return the allowed actions for an attribute; only X if a sequence around it is removed."""
    for sequence, _ in path.steps:
        if not _actions_of_tag(sequence, profile) & _KEEPS_ITEMS:
            return frozenset({"X"})
    return _actions_of_tag(path.tag, profile)


def permits(function: str, path: AttributePath, profile: Profile) -> bool:
    """Return whether the profile permits a function for an attribute.

    A function that leaves less of a value than the profile allows is permitted.
    """
    if function == "clean_sequence" and not PROFILE_OPTIONS[profile] >= _SEQUENCE_OPTIONS:
        return False
    return bool(actions(path, profile) & PERMITTED_BY[function])


def basic_action(path: AttributePath) -> str:
    """Return what the basic profile does with an attribute, for messages.

    The result is the basic action of the attribute, X if a sequence around it is removed, or an
    empty text if neither is listed.
    """
    if any(not _actions_of_tag(s, Profile.STRICT) & _KEEPS_ITEMS for s, _ in path.steps):
        return "X, as part of a sequence"
    row = _rows().get(path.tag)
    return row["basic_action"] if row else ""
