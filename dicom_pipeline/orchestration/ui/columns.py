"""Columns of the assets as the web UI shows them: what each holds, and where it comes from.

Belongs here: schemas and lineage of columns, from the mapping and from dbt's descriptions.
Does not belong here: the words for an attribute (warehouse.comments), other metadata (catalog).
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
from dicom_pipeline.orchestration.seeds import SEEDS_DIR
from dicom_pipeline.warehouse.comments import attribute_comment, describe, origin
from dicom_pipeline.warehouse.duckdb.publish import TECHNICAL, published_schema

PUBLISHED = dg.AssetKey(["published", "database"])
_VISIT_PREFIXES = ("first_", "last_")
_OWN_COLUMNS = {
    "file_path": "Where the file lies in the landing zone.",
    "file_size": "Size in bytes.",
    "file_mtime_ns": "Time of the last change, in nanoseconds.",
    "file_etag": "Version of an object in a bucket.",
    "file_outcome": "loaded, or duplicate of a file with the same header.",
    "file_count": "Loaded files that carry exactly this row.",
    "row_digest": "Digest of the row's values.",
    "header_digest": "Digest of the header; equal for equal headers.",
    "transfer_syntax_uid": "How the file is encoded.",
    "reader": "Which reader read the header, and why.",
    "unreadable_values": "Values that could not be decoded.",
    "terms": "A line kind:term for each term that identifies somebody.",
    "outcome": "rejected or ignored.",
    "reason": "Why the file gives no row.",
    "key_created": "Instance Creation Date and Time, as digits.",
    "key_study": "Study Instance UID; of a file without, what it belongs to instead.",
    "key_series": "Series Instance UID; of a file without, its SOP Instance UID.",
}

# columns that staged images have of the file itself
_OF_FILES = {"file_size": "integer", "transfer_syntax_uid": "text"}

Sources = tuple[tuple[dg.AssetKey, str], ...]


@dataclass(frozen=True)
class Column:
    """A column: its name, its type, what is said of it, and the columns it is made of."""

    name: str
    type: str
    description: str
    sources: Sources = ()


Columns = dict[dg.AssetKey, list[Column]]


def asset_columns(
    mapping: AttributeMapping, profile: Profile, manifest: Mapping[str, Any]
) -> Columns:
    """Columns of all assets, in the order of their tables.

    Parameters
    ----------
    mapping
        Says which attribute is behind a column.
    profile
        Whose de-identification is told.
    manifest
        dbt's manifest: names and descriptions of what models derive.
    """
    found = {dg.AssetKey(["raw", table]): _raw(mapping, table) for table in RAW_TABLES}
    tables = {
        dg.AssetKey([published_schema(node["schema"]), node["name"]]): node
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
        and node["config"]["materialized"] != "ephemeral"
    }
    comments = describe(dict(manifest), mapping, profile)
    for key in sorted(tables, key=lambda key: _ORDER.get(key.path[0], 0)):
        schema, table = key.path
        described = {name: said["description"] for name, said in tables[key]["columns"].items()}
        types = {name: said["data_type"] or "" for name, said in tables[key]["columns"].items()}
        if schema == "stage" and (entity := table.removeprefix("staged_")) in ENTITIES:
            found[key] = list(_staged(mapping, profile, entity, described, types))
        elif schema == "processed":
            parents = [
                dg.AssetKey(["processed", parent.rpartition(".")[2]])
                for parent in tables[key]["depends_on"]["nodes"]
            ]
            said = comments.columns.get(table) or described
            found[key] = list(
                _processed(mapping, key, {**described, **said}, types, parents, found)
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
    """What the UI lists below "Columns"; where a column comes from is part of its text."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(column.name, column.type, description=_with_sources(column))
            for column in columns
        ]
    )


def lineage_of(columns: list[Column]) -> dg.TableColumnLineage:
    """The same as data, for what reads it over GraphQL."""
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
        of = origin(attribute, Profile.RESEARCH)
        return f"{of.attribute} {of.tag}, {of.vr}, as the file has it."
    if name in _OWN_COLUMNS:
        return _OWN_COLUMNS[name]
    if name.endswith("_row"):
        return f"Row of raw/{name.removesuffix('_row')} that this file has."
    return "Part of a key, as the file has it."


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
        there = [column for column in keys[name] if column in KEY_COLUMNS[entity]]
        yield Column(name, "text", described[name], tuple((raw, c) for c in there))
    for name, attribute in attributes.items():
        text = attribute_comment(attribute, profile)
        yield Column(name, _type(attribute), text, ((raw, name),))
    for name, text in described.items():
        if name not in attributes and name not in keys:
            same = table_schema(mapping, entity).get_field_index(name) >= 0
            yield Column(name, types[name], text, ((raw, name),) if same else ())
    if entity == "images":
        for name, type_ in _OF_FILES.items():
            yield Column(name, type_, _OWN_COLUMNS[name], ((raw, name),))


def _processed(
    mapping: AttributeMapping,
    key: dg.AssetKey,
    said: Mapping[str, str],
    types: Mapping[str, str],
    parents: list[dg.AssetKey],
    found: Columns,
) -> Iterator[Column]:
    """Columns of a processed table or view; what cannot be told for certain has no source."""
    entity = key.path[1].removeprefix("processed_")
    attributes = {a.column: a for a in mapping.table(entity)} if entity in ENTITIES else {}
    staged = {c.name for c in found.get(dg.AssetKey(["stage", f"staged_{entity}"]), [])}
    for name, text in said.items():
        if f"first_{name}" in said:
            continue  # an attribute that is here by visit
        attribute = attributes.get(name)
        if entity not in ENTITIES:
            having = [p for p in parents if name in {c.name for c in found.get(p, [])}]
            sources: Sources = ((having[0], name),) if len(having) == 1 else ()
        elif name in staged:
            sources = ((dg.AssetKey(["stage", f"staged_{entity}"]), name),)
        else:
            sources = _moved(name, found)
        type_ = _type(attribute) if attribute else types.get(name) or _type_there(sources, found)
        yield Column(name, type_, text, sources)


def _type_there(sources: Sources, found: Columns) -> str:
    """The type that a column has in the table it is taken from."""
    return next((c.type for key, name in sources for c in found[key] if c.name == name), "")


def _moved(name: str, found: Columns) -> Sources:
    """What a patient's row has of each visit, and a study's row of the patient at it."""
    patients = dg.AssetKey(["stage", "staged_patients"])
    measured = {column.name for column in found.get(patients, [])}
    for column in (name, *(name.removeprefix(p) for p in _VISIT_PREFIXES if name.startswith(p))):
        if column in measured:
            return ((patients, column),)
    if name == "modalities":
        return ((dg.AssetKey(["stage", "staged_series"]), "modality"),)
    return ()
