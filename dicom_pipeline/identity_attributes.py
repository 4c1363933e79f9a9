"""The seed ``identity_attributes.csv``: which attributes identify somebody, and as what.

Belongs here: reading and checking that list.
Does not belong here: what becomes of the values (extract.identity), and the mapping (attributes).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from dicom_pipeline.attributes import (
    WITHOUT_TEXT,
    MappingError,
    Reading,
    csv_lines,
    reading_of,
)
from dicom_pipeline.settings import DBT_PROJECT_DIR

IDENTITY_CSV = DBT_PROJECT_DIR / "seeds" / "identity_attributes.csv"
FIELDS = ("attribute", "kind")
KINDS = frozenset({"contact", "date", "id", "name", "person", "place"})
DATE_VRS = frozenset({"DA", "DT"})


@dataclass(frozen=True)
class IdentityAttribute:
    """One line of the list."""

    attribute: str
    kind: str
    reading: Reading


@dataclass(frozen=True)
class IdentityAttributes:
    """The whole list, in the order of the file."""

    attributes: tuple[IdentityAttribute, ...]

    @property
    def digest(self) -> str:
        """Changes when other attributes are read, or count as something else."""
        lines = sorted(f"{a.attribute},{a.kind}" for a in self.attributes)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def load_identity_attributes(path: Path = IDENTITY_CSV) -> IdentityAttributes:
    """Read and check the list.

    Raises
    ------
    MappingError
        A line names an unknown attribute or kind, or stands twice; the message begins with the
        file's name and the line's number.
    """
    attributes: list[IdentityAttribute] = []
    seen: dict[Reading, int] = {}
    for number, row in csv_lines(path, FIELDS):
        try:
            attribute = _attribute(row)
            first = seen.setdefault(attribute.reading, number)
            if first != number:
                raise ValueError(f"{attribute.attribute} stands in line {first} too")
        except ValueError as error:
            raise MappingError(f"{path.name}, line {number}: {error}") from None
        attributes.append(attribute)
    if not attributes:
        raise MappingError(f"{path.name}: it names no attribute")
    return IdentityAttributes(tuple(attributes))


def _attribute(row: dict[str, str]) -> IdentityAttribute:
    if None in row or None in row.values():
        raise ValueError(f"expected {len(FIELDS)} fields")
    attribute, kind = row["attribute"], row["kind"]
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is none of {', '.join(sorted(KINDS))}")
    reading = reading_of(attribute)
    if reading.tag >> 16 == 2:
        raise ValueError(f"{attribute} is not of the data set but of the file's own group")
    if reading.vr in WITHOUT_TEXT or reading.vr == "SQ":
        raise ValueError(f"{attribute} has no text of its own ({reading.vr})")
    if (kind == "date") != (reading.vr in DATE_VRS):
        raise ValueError(f"{attribute} ({reading.vr}) does not fit the kind {kind}")
    return IdentityAttribute(attribute, kind, reading)
