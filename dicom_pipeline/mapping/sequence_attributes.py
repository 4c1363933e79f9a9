"""The seed ``sequence_attributes.csv``: treatment of the elements in the items of sequences.

Belongs here: reading and checking the seed.
Does not belong here: elements that it does not name, and the functions (deid.cleaning).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.attribute_mapping import MappingError, csv_lines

SEQUENCE_CSV = DBT_PROJECT_DIR / "seeds" / "sequence_attributes.csv"
FIELDS = ("tag", "keyword", "research", "strict", "reason")
ACTIONS = frozenset(
    {
        "age_cap",
        "clean_sequence",
        "clean_text",
        "code_value",
        "coding_scheme",
        "keep_code",
        "keep_number",
        "keep_time",
        "remove",
        "shift_date",
        "shift_datetime",
        "uid",
    }
)


@dataclass(frozen=True)
class SequenceAttribute:
    """Treatment of one element under the chosen profile."""

    keyword: str
    action: str


def load_sequence_attributes(
    profile: Profile, path: Path = SEQUENCE_CSV
) -> dict[str, SequenceAttribute]:
    """Read and check the seed; return its elements by tag.

    Raises
    ------
    MappingError
        A line is invalid. The message begins with the file's name and the line number.
    """
    rows = dict(csv_lines(path, FIELDS))
    for number, row in rows.items():
        if None in row or None in row.values():
            raise MappingError(f"{path.name}, line {number}: expected {len(FIELDS)} fields")
    return parse_sequence_attributes(rows.values(), profile)


def parse_sequence_attributes(
    rows: Iterable[Mapping[str, str]], profile: Profile
) -> dict[str, SequenceAttribute]:
    """Check the lines of the seed; return its elements by tag.

    Raises
    ------
    MappingError
        A line is invalid. The message begins with the seed's name and the tag.
    """
    found: dict[str, SequenceAttribute] = {}
    for row in rows:
        tag, attribute = row["tag"], SequenceAttribute(row["keyword"], row[profile.value])
        problem = ""
        if not re.fullmatch("[0-9A-F]{8}", tag):
            problem = "not a tag of eight hexadecimal digits"
        elif not re.fullmatch("[A-Za-z0-9]+", attribute.keyword):
            problem = f"{attribute.keyword!r} is not a keyword"
        elif attribute.action not in ACTIONS:
            problem = f"unknown function {attribute.action!r}"
        elif tag in found:
            problem = "duplicate"
        if problem:
            raise MappingError(f"sequence_attributes, {tag}: {problem}")
        found[tag] = attribute
    return found
