"""What the published tables say of themselves: from the mapping and from dbt's descriptions.

Belongs here: the words of table and column comments, and which attribute is behind a column.
Does not belong here: writing them into a database (publish).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydicom.datadict import dictionary_description

from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.attribute_mapping import Attribute, AttributeMapping
from dicom_pipeline.warehouse.data_dictionary import Comments, Origin
from dicom_pipeline.warehouse.duckdb.publish import SCHEMA, published_schema

_DONE_BY = {
    "age_cap": "ages over 89 years are 090Y",
    "anon_text": "replaced by a constant",
    "clean_sequence": "cleaned inside: UIDs replaced, names removed, texts cleaned, dates shifted",
    "clean_text": "free text; identifiers, and words not known to be harmless, are [removed]",
    "keep": "as it is",
    "keep_code": "kept where it has the shape of a code",
    "keep_number": "kept where it is a number",
    "keep_time": "kept",
    "pseudonym": "replaced by a keyed pseudonym",
    "remove": "removed",
    "shift_date": "shifted back by whole weeks, the same number for all dates of a patient",
    "shift_datetime": "shifted back by whole weeks, the same number for all dates of a patient",
    "uid": "replaced by a keyed UID, the same everywhere",
}
# columns that models derive under another name than the attribute's
_VISIT = re.compile("^(first|last)_")
_DERIVED = {"modalities": "modality", "software_version": "software_versions"}


def origin(attribute: Attribute, profile: Profile) -> Origin:
    """The attribute as the published tables tell of it."""
    attribute_path = attribute.path
    tag = f"({attribute_path.tag >> 16:04X},{attribute_path.tag & 0xFFFF:04X})"
    function = attribute.research if profile is Profile.RESEARCH else attribute.strict
    return Origin(attribute.attribute, tag, attribute_path.vr, function, _DONE_BY[function])


def attribute_comment(attribute: Attribute, profile: Profile) -> str:
    """One line: name of the attribute (PS3.6), tag, VR, and what de-identification did."""
    attribute_path, of = attribute.path, origin(attribute, profile)
    where = f" at {attribute.attribute}" if attribute_path.steps else ""
    return f"{dictionary_description(attribute_path.tag)} {of.tag}{where}, {of.vr}; {of.done}"


def _origins(
    columns: Iterable[str], own: Iterable[Attribute], mapping: AttributeMapping, profile: Profile
) -> dict[str, Origin]:
    """Attributes of columns: those of the table itself first, then of any table."""
    attributes = {a.column: a for a in (*mapping.attributes, *own)}
    found: dict[str, Origin] = {}
    for column in columns:
        stem = column if column in attributes else _VISIT.sub("", column)
        if attribute := attributes.get(_DERIVED.get(stem, stem)):
            found[column] = origin(attribute, profile)
    return found


def describe(manifest: dict[str, Any], mapping: AttributeMapping, profile: Profile) -> Comments:
    """Comments of the processed tables.

    Parameters
    ----------
    manifest
        dbt's ``manifest.json``: descriptions of models and of the columns they derive.
    mapping
        Describes every column that stands for a DICOM attribute.
    profile
        Whose functions the comments tell.
    """
    tables: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = {}
    origins: dict[str, dict[str, Origin]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model" or published_schema(node["schema"]) != SCHEMA:
            continue
        name = node["name"]
        if node["description"]:
            described = node["description"].strip()
            tables[name] = f"{described} De-identified with profile {profile}."
        own = {c: spec["description"].strip() for c, spec in node["columns"].items()}
        mapped = mapping.table(name.removeprefix("processed_"))
        attributes = {a.column: attribute_comment(a, profile) for a in mapped}
        columns[name] = attributes | {c: text for c, text in own.items() if text}
        origins[name] = _origins(columns[name], mapped, mapping, profile)
    return Comments(tables, columns, origins)
