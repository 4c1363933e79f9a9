"""The seed ``anonymization_mapping.csv``: the column and de-identification of each attribute.

Belongs here: reading and checking the mapping, and the names of the raw tables' own columns.
Does not belong here: what a function may keep (function_check), reading DICOM files, SQL, and any
processing of values.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.datadict import dictionary_VM, dictionary_VR, tag_for_keyword

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.common.errors import ConfigurationError
from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.function_check import check_function, needs_accepted_risk

MAPPING_CSV = DBT_PROJECT_DIR / "seeds" / "anonymization_mapping.csv"

ENTITIES = ("devices", "images", "patients", "series", "studies")
FUNCTIONS = frozenset(
    {
        "age_cap", "anon_text", "clean_sequence", "clean_text", "keep", "keep_code", "keep_number",
        "keep_time", "pseudonym", "remove", "shift_date", "shift_datetime", "uid",
    }
)  # fmt: skip
# types that a function accepts; a function without an entry accepts any type
FUNCTION_TYPES = {
    "age_cap": {"text"},
    "anon_text": {"text"},
    "clean_sequence": {"json"},
    "clean_text": {"text"},
    "keep": {"text", "integer", "double", "time", "json"},  # a date is shifted or removed
    "keep_code": {"text"},
    "keep_number": {"integer", "double"},
    "keep_time": {"time"},
    "pseudonym": {"text"},
    "shift_date": {"date"},
    "shift_datetime": {"timestamp"},
    "uid": {"text"},
}
PATIENT_FUNCTIONS = frozenset({"clean_sequence", "shift_date", "shift_datetime"})
TYPES = frozenset({"text", "integer", "double", "date", "time", "timestamp", "json"})
# binary: the value is never read
BINARY_VRS = frozenset(
    {"OB", "OD", "OF", "OL", "OV", "OW", "UN", "OB or OW", "US or OW", "US or SS or OW"}
)
FIELDS = (
    "table_name", "column_name", "attribute", "vr", "vm", "type", "research", "strict",
    "reviewed", "reason", "accepted_risk",
)  # fmt: skip

PATIENT_KEYS = ("key_patient_id", "key_issuer_of_patient_id", "key_study")
DEVICE_KEYS = (
    "key_manufacturer", "key_manufacturer_model_name", "key_device_serial_number",
    "key_station_name", "key_institution_name",
)  # fmt: skip
KEY_COLUMNS: dict[str, tuple[str, ...]] = {
    "patients": PATIENT_KEYS,
    "studies": PATIENT_KEYS,
    "series": (*PATIENT_KEYS, "key_series", *DEVICE_KEYS),
    "devices": DEVICE_KEYS,
    "images": (*PATIENT_KEYS, "key_series", "key_sop", "key_created", *DEVICE_KEYS),
}

# column names that the raw and staged tables use for themselves
_RESERVED = re.compile(
    r"(key|file)_.*|.*_(key|row)|row_digest|header_digest|(raw|base|stage)_version|study_period|"
    r"transfer_syntax_uid|reader|unreadable_values|recovered_elements|failed_casts|leaked_cells|"
    r"computed_age|age_years|instance_precedence|version_(created|file_time|rank)"
)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_STEP = re.compile(r"([A-Za-z][A-Za-z0-9]*)(?:\[(\d{1,4})\])?")


class MappingError(ConfigurationError):
    """The mapping is invalid; the message names the line of the CSV file."""


@dataclass(frozen=True)
class Attribute:
    """One line of the mapping."""

    table: str
    column: str
    attribute: str
    vm: str
    type: str
    research: str
    strict: str
    reviewed: bool
    reason: str
    path: AttributePath = field(compare=False)
    accepted_risk: str = ""

    def has_accepted_risk(self, profile: Profile) -> bool:
        """Return whether the function keeps what the confidentiality profile protects."""
        return needs_accepted_risk(getattr(self, profile.value), self.attribute, self.path, profile)


@dataclass(frozen=True)
class AttributeMapping:
    """The whole mapping, in the order of the file."""

    attributes: tuple[Attribute, ...]

    def table(self, name: str) -> tuple[Attribute, ...]:
        """Return the lines of one table, in the order of the file."""
        return tuple(a for a in self.attributes if a.table == name)

    def accepted_risks(self, profile: Profile) -> tuple[Attribute, ...]:
        """Return the lines that keep what the confidentiality profile protects."""
        return tuple(a for a in self.attributes if a.has_accepted_risk(profile))

    @property
    def digest(self) -> str:
        """Hash of what extraction reads: tables, columns and attributes. 16 hex digits."""
        text = "\n".join(f"{a.table},{a.column},{a.attribute}" for a in self.attributes)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse_attribute_path(attribute: str) -> AttributePath:
    """Parse a keyword, or a path such as ``PixelMeasuresSequence[0].PixelSpacing``.

    Raises
    ------
    ValueError
        The path is malformed, or a keyword is not in the DICOM dictionary (PS3.6).
    """
    steps: list[tuple[int, int]] = []
    *sequences, last = attribute.split(".")
    for part in (*sequences, last):
        match = _STEP.fullmatch(part)
        tag = tag_for_keyword(match[1]) if match else None
        if match is None or tag is None:
            raise ValueError(f"{part!r} is not a keyword of the DICOM dictionary")
        is_sequence = dictionary_VR(tag) == "SQ"
        if part is last and len(steps) == len(sequences):
            if match[2] is not None:
                raise ValueError(f"{part!r} ends in an item; name the attribute inside it")
            return AttributePath(tuple(steps), tag, dictionary_VR(tag))
        if not is_sequence or match[2] is None:
            raise ValueError(f"{part!r} is not an item of a sequence, such as Sequence[0]")
        steps.append((tag, int(match[2])))
    raise AssertionError("unreachable: the last part returns")


def csv_lines(path: Path, fields: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Return the lines of a seed with their line numbers.

    Raises
    ------
    MappingError
        The file has other columns, or is not CSV in UTF-8.
    """
    try:
        reader = csv.DictReader(io.StringIO(path.read_bytes().decode(), newline=""))
        if tuple(reader.fieldnames or ()) != fields:
            raise MappingError(f"{path.name}, line 1: the columns must be {','.join(fields)}")
        return [(reader.line_num, row) for row in reader]
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise MappingError(f"{path.name}, line {number}: it is not UTF-8") from None
    except csv.Error as error:
        raise MappingError(f"{path.name}, line {reader.line_num}: {error}") from None


def load_mapping(path: Path = MAPPING_CSV) -> AttributeMapping:
    """Read and check the mapping.

    Raises
    ------
    MappingError
        A line names an unknown table, attribute, type or function, is a duplicate, keeps text
        without a review, or keeps without an accepted risk what the confidentiality profile
        protects. The message begins with the file's name and the line number.
    """
    lines = csv_lines(path, FIELDS)
    attributes: list[Attribute] = []
    seen: dict[tuple[str, str], int] = {}
    for number, row in lines:
        try:
            attribute = _attribute(row)
        except ValueError as error:
            raise MappingError(f"{path.name}, line {number}: {error}") from None
        name = (attribute.table, attribute.column)
        if name in seen:
            raise MappingError(
                f"{path.name}, line {number}: {'.'.join(name)} is also in line {seen[name]}"
            )
        seen[name] = number
        attributes.append(attribute)
    missing = set(ENTITIES) - {a.table for a in attributes}
    if missing:
        raise MappingError(f"{path.name}: no column for {', '.join(sorted(missing))}")
    return AttributeMapping(tuple(attributes))


def _one_of(row: dict[str, str], name: str, allowed: Iterable[str]) -> str:
    value = row[name]
    if value not in allowed:
        raise ValueError(f"{name} {value!r} is none of {', '.join(sorted(allowed))}")
    return value


def _attribute(row: dict[str, str]) -> Attribute:
    if None in row or None in row.values():
        raise ValueError(f"expected {len(FIELDS)} fields")
    table = _one_of(row, "table_name", ENTITIES)
    column = row["column_name"]
    if not _NAME.fullmatch(column) or _RESERVED.fullmatch(column):
        raise ValueError(f"column_name {column!r} is not a valid column name, or is reserved")
    attribute_path = parse_attribute_path(row["attribute"])
    if attribute_path.tag >> 16 == 2:
        raise ValueError(f"{row['attribute']} is in the file meta information, not in the data set")
    if attribute_path.vr in BINARY_VRS:
        raise ValueError(f"{row['attribute']} is binary ({attribute_path.vr}), which is never read")
    for name, expected in (("vr", attribute_path.vr), ("vm", dictionary_VM(attribute_path.tag))):
        if row[name] != expected:
            raise ValueError(f"{name} of {row['attribute']} is {expected}, not {row[name]!r}")
    reviewed = _one_of(row, "reviewed", ("true", "false")) == "true"
    type_ = _one_of(row, "type", TYPES)
    for profile in ("research", "strict"):
        function = _one_of(row, profile, FUNCTIONS)
        if type_ not in FUNCTION_TYPES.get(function, TYPES):
            raise ValueError(f"{function} does not apply to type {type_}")
        if function in PATIENT_FUNCTIONS and table == "devices":
            raise ValueError(f"{function} needs a patient, and a device has none")
    has_review = reviewed and bool(row["reason"].strip())
    if not has_review and type_ in ("text", "json") and "keep" in (row["research"], row["strict"]):
        raise ValueError("keep on text needs reviewed = true and a reason")
    accepted_risk = _accepted_risk(row, attribute_path, has_review)
    return Attribute(
        table=table,
        column=column,
        attribute=row["attribute"],
        vm=row["vm"],
        type=type_,
        research=row["research"],
        strict=row["strict"],
        reviewed=reviewed,
        reason=row["reason"],
        path=attribute_path,
        accepted_risk=accepted_risk,
    )


def _accepted_risk(row: dict[str, str], path: AttributePath, has_review: bool) -> str:
    """Check the functions against the confidentiality profile, and return the accepted risk."""
    text = row["accepted_risk"].strip()
    if not row["accepted_risk"].isprintable():
        raise ValueError("accepted_risk contains a line break or another control character")
    name = row["attribute"]
    for profile in Profile:
        check_function(
            row[profile.value], name, path, profile, reviewed=has_review, accepted_risk=bool(text)
        )
    if text and not any(needs_accepted_risk(row[p.value], name, path, p) for p in Profile):
        raise ValueError(
            f"accepted_risk is not needed, because the confidentiality profile allows the "
            f"functions of {name}: remove the text"
        )
    return text
