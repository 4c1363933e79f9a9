"""The seed ``identity_attributes.csv``: which attributes identify somebody, and as what.

Belongs here: reading and checking that list.
Does not belong here: what becomes of the values (extract.identity), and the mapping (attributes).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.mapping.attribute_mapping import (
    WITHOUT_TEXT,
    MappingError,
    csv_lines,
    parse_attribute_path,
)

IDENTITY_CSV = DBT_PROJECT_DIR / "seeds" / "identity_attributes.csv"
FIELDS = ("attribute", "kind")
KINDS = frozenset({"contact", "date", "id", "name", "person", "place"})
DATE_VRS = frozenset({"DA", "DT"})


@dataclass(frozen=True)
class IdentityAttribute:
    """One line of the list."""

    attribute: str
    kind: str
    path: AttributePath


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
    seen: dict[AttributePath, int] = {}
    for number, row in csv_lines(path, FIELDS):
        try:
            attribute = _attribute(row)
            first = seen.setdefault(attribute.path, number)
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
    attribute_path = parse_attribute_path(attribute)
    if attribute_path.tag >> 16 == 2:
        raise ValueError(f"{attribute} is not of the data set but of the file's own group")
    if attribute_path.vr in WITHOUT_TEXT or attribute_path.vr == "SQ":
        raise ValueError(f"{attribute} has no text of its own ({attribute_path.vr})")
    if (kind == "date") != (attribute_path.vr in DATE_VRS):
        raise ValueError(f"{attribute} ({attribute_path.vr}) does not fit the kind {kind}")
    return IdentityAttribute(attribute, kind, attribute_path)
