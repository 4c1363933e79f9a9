"""Columns of the assets for the web UI: name, type, description and lineage.

Belongs here: schemas and lineage of columns, from the mapping and from dbt's descriptions.
Does not belong here: descriptions of attributes (warehouse.comments), other metadata (metadata).
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from dicom_pipeline.config.settings import Profile
from dicom_pipeline.extract.tables import RAW_TABLES, table_schema
from dicom_pipeline.mapping.attribute_mapping import (
    ENTITIES,
    KEY_COLUMNS,
    Attribute,
    AttributeMapping,
)
from dicom_pipeline.orchestration.dbt_project import group_of
from dicom_pipeline.orchestration.seeds import SEEDS_DIR
from dicom_pipeline.warehouse.comments import attribute_comment, describe, origin
from dicom_pipeline.warehouse.duckdb.publish import TECHNICAL

PUBLISHED = dg.AssetKey(["published", "database"])
_VISIT_PREFIXES = ("first_", "last_")
# descriptions of raw columns that are not attributes
_TECHNICAL_COLUMNS = {
    "file_path": "Path of the file, relative to the landing zone.",
    "file_size": "Size in bytes.",
    "file_mtime_ns": "Modification time, in nanoseconds since 1970-01-01 UTC.",
    "file_etag": "ETag of an object in a bucket.",
    "file_outcome": "loaded, or duplicate of a file with the same header.",
    "file_count": "Number of loaded files with exactly this row.",
    "row_digest": "Digest of the row's values.",
    "header_digest": "Digest of the header; equal for equal headers.",
    "transfer_syntax_uid": "Transfer Syntax UID (0002,0010): encoding of the file.",
    "reader": "The reader of the header, with the reason for a fallback.",
    "unreadable_values": "Values that could not be decoded.",
    "recovered_elements": "Faults in the structure of the header that were repaired.",
    "computed_age": "Age from birth date and study date, in the form of PatientAge.",
    "terms": "One line kind:term per identifying term.",
    "outcome": "rejected or ignored.",
    "reason": "Reason why the file has no row in other tables.",
    "fault": "Kind of the fault of a malformed header.",
    "key_created": "Instance Creation Date and Time, as digits.",
    "key_study": "Study Instance UID; for a file without it, a substitute.",
    "key_series": "Series Instance UID; for a file without it, the SOP Instance UID.",
}

# columns of staged images that describe the file
_FILE_COLUMNS = {
    "file_size": "integer",
    "transfer_syntax_uid": "text",
    "recovered_elements": "integer",
}

Sources = tuple[tuple[dg.AssetKey, str], ...]


@dataclass(frozen=True)
class Column:
    """A column: its name, type and description, and the columns it is derived from."""

    name: str
    type: str
    description: str
    sources: Sources = ()


Columns = dict[dg.AssetKey, list[Column]]


def asset_columns(
    mapping: AttributeMapping, profile: Profile, manifest: Mapping[str, Any]
) -> Columns:
    """Return the columns of all assets, in the order of their tables.

    Parameters
    ----------
    mapping
        Maps columns to attributes.
    profile
        Profile whose de-identification functions are described.
    manifest
        dbt's manifest, with names and descriptions of derived columns.
    """
    found = {dg.AssetKey(["raw", table]): _raw(mapping, table) for table in RAW_TABLES}
    tables = {
        dg.AssetKey([group_of(node), node["name"]]): node
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
        and node["config"]["materialized"] != "ephemeral"
    }
    comments = describe(dict(manifest), mapping, profile)
    for key in sorted(tables, key=lambda key: _ORDER.get(key.path[0], 0)):
        schema, table = key.path
        model_columns = tables[key]["columns"]
        described = {name: column["description"] for name, column in model_columns.items()}
        types = {name: column["data_type"] or "" for name, column in model_columns.items()}
        if schema == "stage" and (entity := table.removeprefix("staged_")) in ENTITIES:
            found[key] = list(_staged(mapping, profile, entity, described, types))
        elif schema == "processed":
            parents = [
                dg.AssetKey(["processed", parent.rpartition(".")[2]])
                for parent in tables[key]["depends_on"]["nodes"]
            ]
            descriptions = comments.columns.get(table) or described
            found[key] = list(
                _processed(mapping, key, {**described, **descriptions}, types, parents, found)
            )
        else:
            found[key] = [Column(name, types[name], text) for name, text in described.items()]
    found[PUBLISHED] = [
        Column(
            f"{key.path[1]}.{column.name}", column.type, column.description, ((key, column.name),)
        )
        for key, columns in sorted(found.items())
        if key.path[0] == "processed"
        for column in columns
        if column.name not in TECHNICAL
    ]
    return found


_ORDER = {"internal": 0, "stage": 1, "processed": 2}


def schema_of(columns: list[Column]) -> dg.TableSchema:
    """Return the schema that the UI lists under "Columns"; descriptions include the sources."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(column.name, column.type, description=_with_sources(column))
            for column in columns
        ]
    )


def lineage_of(columns: list[Column]) -> dg.TableColumnLineage:
    """Return the lineage as structured metadata, which is available over GraphQL."""
    return dg.TableColumnLineage(
        {
            column.name: [
                dg.TableColumnDep(asset_key=key, column_name=name) for key, name in column.sources
            ]
            for column in columns
            if column.sources
        }
    )


def _with_sources(column: Column) -> str:
    names = ", ".join(f"{key.to_user_string()}.{name}" for key, name in column.sources)
    return f"{column.description.rstrip()} ← {names}" if names else column.description


def _type(attribute: Attribute) -> str:
    return attribute.type if attribute.vm == "1" else f"{attribute.type}[]"


def _raw(mapping: AttributeMapping, table: str) -> list[Column]:
    attributes = {a.column: a for a in mapping.table(table)} if table in ENTITIES else {}
    return [
        Column(field.name, str(field.type), _raw_text(attributes.get(field.name), field.name))
        for field in table_schema(mapping, table)
    ]


def _raw_text(attribute: Attribute | None, name: str) -> str:
    if attribute is not None:
        source = origin(attribute, Profile.RESEARCH)
        return f"{source.attribute} {source.tag}, {source.vr}, as in the file."
    if name in _TECHNICAL_COLUMNS:
        return _TECHNICAL_COLUMNS[name]
    if name.endswith("_row"):
        return f"Digest of the row in raw/{name.removesuffix('_row')} with the values of this file."
    return "Part of a key, as in the file."


def _key_sources() -> dict[str, list[str]]:
    with (SEEDS_DIR / "surrogate_key_mapping.csv").open(newline="") as lines:
        sources: dict[str, list[str]] = {}
        for line in csv.DictReader(lines):
            columns = sources.setdefault(line["key_name"], [])
            if line["key_column"] not in columns:
                columns.append(line["key_column"])
    return sources


def _staged(
    mapping: AttributeMapping,
    profile: Profile,
    entity: str,
    described: Mapping[str, str],
    types: Mapping[str, str],
) -> Iterator[Column]:
    raw = dg.AssetKey(["raw", entity])
    attributes = {a.column: a for a in mapping.table(entity)}
    keys = _key_sources()
    for name in filter(keys.__contains__, described):
        sources = [column for column in keys[name] if column in KEY_COLUMNS[entity]]
        yield Column(name, "text", described[name], tuple((raw, c) for c in sources))
    for name, attribute in attributes.items():
        text = attribute_comment(attribute, profile)
        yield Column(name, _type(attribute), text, ((raw, name),))
    for name, text in described.items():
        if name not in attributes and name not in keys:
            is_raw = table_schema(mapping, entity).get_field_index(name) >= 0
            yield Column(name, types[name], text, ((raw, name),) if is_raw else ())
    if entity == "images":
        for name, type_ in _FILE_COLUMNS.items():
            yield Column(name, type_, _TECHNICAL_COLUMNS[name], ((raw, name),))


def _processed(
    mapping: AttributeMapping,
    key: dg.AssetKey,
    descriptions: Mapping[str, str],
    types: Mapping[str, str],
    parents: list[dg.AssetKey],
    found: Columns,
) -> Iterator[Column]:
    """Return the columns of a processed table or view; sources only if they are unambiguous."""
    entity = key.path[1].removeprefix("processed_")
    attributes = {a.column: a for a in mapping.table(entity)} if entity in ENTITIES else {}
    staged = {c.name for c in found.get(dg.AssetKey(["stage", f"staged_{entity}"]), [])}
    for name, text in descriptions.items():
        if f"first_{name}" in descriptions:
            continue  # the table has this attribute per visit (first_, last_) only
        attribute = attributes.get(name)
        if entity not in ENTITIES:
            matches = [p for p in parents if name in {c.name for c in found.get(p, [])}]
            sources: Sources = ((matches[0], name),) if len(matches) == 1 else ()
        elif name in staged:
            sources = ((dg.AssetKey(["stage", f"staged_{entity}"]), name),)
        else:
            sources = _sources_in_other_entity(name, found)
        type_ = _type(attribute) if attribute else types.get(name) or _source_type(sources, found)
        yield Column(name, type_, text, sources)


def _source_type(sources: Sources, found: Columns) -> str:
    """Return the type of a column in the table it is derived from."""
    return next((c.type for key, name in sources for c in found[key] if c.name == name), "")


def _sources_in_other_entity(name: str, found: Columns) -> Sources:
    """Return sources of columns per visit (patients), and of patient columns in studies."""
    patients = dg.AssetKey(["stage", "staged_patients"])
    patient_columns = {column.name for column in found.get(patients, [])}
    for column in (name, *(name.removeprefix(p) for p in _VISIT_PREFIXES if name.startswith(p))):
        if column in patient_columns:
            return ((patients, column),)
    if name == "modalities":
        return ((dg.AssetKey(["stage", "staged_series"]), "modality"),)
    return ()
