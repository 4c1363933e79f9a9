"""Comments of the published tables and columns, from the mapping and dbt's descriptions.

Belongs here: text of table and column comments, and the DICOM attribute of each column.
Does not belong here: writing the comments into a database (publish).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydicom.datadict import dictionary_description

from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.attribute_mapping import Attribute, AttributeMapping
from dicom_pipeline.warehouse.data_dictionary import Comments, Origin
from dicom_pipeline.warehouse.duckdb.publish import SCHEMA

_TREATMENTS = {
    "age_cap": "ages over 89 years are 090Y",
    "anon_text": "replaced by a constant",
    "clean_sequence": "items cleaned: UIDs replaced, names removed, texts cleaned, dates shifted",
    "clean_text": "free text; identifiers and words that no list allows are [removed]",
    "keep": "unchanged, unless it identifies somebody",
    "keep_code": "kept in capitals if it is a code that identifies nobody",
    "keep_number": "kept if it is a number that identifies nobody",
    "keep_time": "kept",
    "pseudonym": "replaced by a keyed pseudonym",
    "remove": "removed",
    "shift_date": "shifted back by whole weeks, the same number for all dates of a patient",
    "shift_datetime": "shifted back by whole weeks, the same number for all dates of a patient",
    "uid": "replaced by a keyed UID, the same everywhere",
}
# columns that models derive from an attribute under another name
_VISIT = re.compile("^(first|last)_")
_DERIVED = {
    "age_years": "patient_age",
    "modalities": "modality",
    "software_version": "software_versions",
}


def origin(attribute: Attribute, profile: Profile) -> Origin:
    """Return the attribute as it is described in the published tables."""
    attribute_path = attribute.path
    tag = f"({attribute_path.tag >> 16:04X},{attribute_path.tag & 0xFFFF:04X})"
    function = attribute.research if profile is Profile.RESEARCH else attribute.strict
    return Origin(attribute.attribute, tag, attribute_path.vr, function, _TREATMENTS[function])


def attribute_comment(attribute: Attribute, profile: Profile) -> str:
    """Return one line: name of the attribute (PS3.6), tag, VR and de-identification."""
    attribute_path, of = attribute.path, origin(attribute, profile)
    where = f" at {attribute.attribute}" if attribute_path.steps else ""
    return f"{dictionary_description(attribute_path.tag)} {of.tag}{where}, {of.vr}; {of.treatment}"


def _origins(
    columns: Iterable[str], own: Iterable[Attribute], mapping: AttributeMapping, profile: Profile
) -> dict[str, Origin]:
    """Return the attributes of columns; attributes of the table itself take precedence."""
    attributes = {a.column: a for a in (*mapping.attributes, *own)}
    found: dict[str, Origin] = {}
    for column in columns:
        stem = column if column in attributes else _VISIT.sub("", column)
        if attribute := attributes.get(_DERIVED.get(stem, stem)):
            found[column] = origin(attribute, profile)
    return found


def describe(manifest: dict[str, Any], mapping: AttributeMapping, profile: Profile) -> Comments:
    """Return the comments of the processed tables.

    Parameters
    ----------
    manifest
        dbt's ``manifest.json``, with descriptions of models and of derived columns.
    mapping
        Describes every column that holds a DICOM attribute.
    profile
        De-identification profile, which selects the function of each attribute.
    """
    tables: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = {}
    origins: dict[str, dict[str, Origin]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model" or node["schema"] != SCHEMA:
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
