"""What the published tables say of themselves: from the mapping and from dbt's descriptions.

Belongs here: the words of table and column comments.
Does not belong here: writing them into a database (publish).
"""

from __future__ import annotations

from typing import Any

from pydicom.datadict import dictionary_description

from dicom_pipeline.attributes import Attribute, Mapping
from dicom_pipeline.settings import Profile
from dicom_pipeline.warehouse.publish import SCHEMA, Comments, published_schema

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


def attribute_comment(attribute: Attribute, profile: Profile) -> str:
    """One line: name of the attribute (PS3.6), tag, VR, and what de-identification did."""
    reading = attribute.reading
    tag = f"({reading.tag >> 16:04X},{reading.tag & 0xFFFF:04X})"
    where = f" at {attribute.attribute}" if reading.steps else ""
    function = attribute.research if profile is Profile.RESEARCH else attribute.strict
    return f"{dictionary_description(reading.tag)} {tag}{where}, {reading.vr}; {_DONE_BY[function]}"


def describe(manifest: dict[str, Any], mapping: Mapping, profile: Profile) -> Comments:
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
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model" or published_schema(node["schema"]) != SCHEMA:
            continue
        name = node["name"]
        if node["description"]:
            described = node["description"].strip()
            tables[name] = f"{described} De-identified with profile {profile}."
        own = {c: spec["description"].strip() for c, spec in node["columns"].items()}
        entity = name.removeprefix("processed_")
        attributes = {a.column: attribute_comment(a, profile) for a in mapping.table(entity)}
        columns[name] = attributes | {c: text for c, text in own.items() if text}
    return Comments(tables, columns)
