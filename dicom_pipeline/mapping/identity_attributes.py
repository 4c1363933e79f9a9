"""The seed ``identity_attributes.csv``: attributes that identify a person, and their kind.

Belongs here: reading and checking that list.
Does not belong here: terms made from the values (deid.identity_terms), and the mapping
(attribute_mapping).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.mapping.attribute_mapping import (
    BINARY_VRS,
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
        """Hash of the attributes and their kinds. 16 hex digits."""
        lines = sorted(f"{a.attribute},{a.kind}" for a in self.attributes)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def load_identity_attributes(path: Path = IDENTITY_CSV) -> IdentityAttributes:
    """Read and check the list.

    Raises
    ------
    MappingError
        A line names an unknown attribute or kind, or is a duplicate. The message begins with the
        file's name and the line number.
    """
    attributes: list[IdentityAttribute] = []
    seen: dict[AttributePath, int] = {}
    for number, row in csv_lines(path, FIELDS):
        try:
            attribute = _attribute(row)
            first = seen.setdefault(attribute.path, number)
            if first != number:
                raise ValueError(f"{attribute.attribute} is also in line {first}")
        except ValueError as error:
            raise MappingError(f"{path.name}, line {number}: {error}") from None
        attributes.append(attribute)
    if not attributes:
        raise MappingError(f"{path.name}: the list has no attribute")
    return IdentityAttributes(tuple(attributes))


def _attribute(row: dict[str, str]) -> IdentityAttribute:
    if None in row or None in row.values():
        raise ValueError(f"expected {len(FIELDS)} fields")
    attribute, kind = row["attribute"], row["kind"]
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is none of {', '.join(sorted(KINDS))}")
    attribute_path = parse_attribute_path(attribute)
    if attribute_path.tag >> 16 == 2:
        raise ValueError(f"{attribute} is in the file meta information, not in the data set")
    if attribute_path.vr in BINARY_VRS or attribute_path.vr == "SQ":
        raise ValueError(f"{attribute} has no text of its own ({attribute_path.vr})")
    if (kind == "date") != (attribute_path.vr in DATE_VRS):
        raise ValueError(f"{attribute} ({attribute_path.vr}) does not fit the kind {kind}")
    return IdentityAttribute(attribute, kind, attribute_path)
