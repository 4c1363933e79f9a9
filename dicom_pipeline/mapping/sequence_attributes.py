"""The seed ``sequence_attributes.csv``: treatment of the elements in the items of sequences.

Belongs here: reading and checking the seed.
Does not belong here: elements that it does not name, and the functions (deid.sequence_cleaning).
"""

from __future__ import annotations

import re
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
    found: dict[str, SequenceAttribute] = {}
    for number, row in csv_lines(path, FIELDS):
        try:
            if None in row or None in row.values():
                raise ValueError(f"expected {len(FIELDS)} fields")
            tag, attribute = row["tag"], SequenceAttribute(row["keyword"], row[profile.value])
            if not re.fullmatch("[0-9A-F]{8}", tag):
                raise ValueError(f"{tag!r} is not a tag of eight hexadecimal digits")
            if not re.fullmatch("[A-Za-z0-9]+", attribute.keyword):
                raise ValueError(f"{attribute.keyword!r} is not a keyword")
            if attribute.action not in ACTIONS:
                raise ValueError(f"{tag} has the unknown function {attribute.action!r}")
            if tag in found:
                raise ValueError(f"{tag} is a duplicate")
        except ValueError as error:
            raise MappingError(f"{path.name}, line {number}: {error}") from None
        found[tag] = attribute
    return found
