"""Tables on Snowflake as a DuckDB file, to compare them with those of DuckDB.

Belongs here: copying tables from Snowflake, with their types in DuckDB.
Does not belong here: comparing them (tables).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from dicom_pipeline.mapping.attribute_mapping import AttributeMapping
from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.snowflake.session import name, run

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

# arrays that no line of the mapping has
_DERIVED_ARRAYS = ("conflicting_attributes", "modalities")
_TYPES = {
    "TEXT": "VARCHAR", "NUMBER": "BIGINT", "FLOAT": "DOUBLE", "BOOLEAN": "BOOLEAN",
    "DATE": "DATE", "TIME": "TIME", "TIMESTAMP_NTZ": "TIMESTAMP", "VARIANT": "JSON",
}  # fmt: skip
_ELEMENTS = {"text": "VARCHAR", "integer": "BIGINT", "double": "DOUBLE"}


@dataclass(frozen=True)
class Table:
    """A table there: its schema, its name, and the type of each column in order."""

    schema: str
    name: str
    columns: dict[str, str]


def copy_tables(
    connection: SnowflakeConnection,
    mapping: AttributeMapping,
    database: Path,
    schemas: Sequence[str],
) -> None:
    """Replace a DuckDB file by a copy of schemas on Snowflake.

    Parameters
    ----------
    connection
        A session.
    mapping
        The types of the elements of arrays, which Snowflake's catalog does not have.
    database
        The file.
    schemas
        Schemas on Snowflake.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    database.unlink(missing_ok=True)
    with closing(duckdb.connect(str(database))) as copy:
        for schema in schemas:
            copy.execute(f"create schema {sql.name(schema)}")
        for table in _tables(connection, mapping, [schema.upper() for schema in schemas]):
            here = f"{table.schema.lower()}.{sql.name(table.name)}"
            _copy(connection, copy, table, here)


def _tables(
    connection: SnowflakeConnection, mapping: AttributeMapping, schemas: Sequence[str]
) -> Iterator[Table]:
    places = ", ".join("?" * len(schemas))
    found: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, type_ in run(
        connection,
        "select table_schema, table_name, column_name, data_type from information_schema.columns"
        f" where table_schema in ({places}) order by table_schema, table_name, ordinal_position",
        *schemas,
    ):
        column, table = column.lower(), table.lower()
        own = _type_here(mapping, table, column, type_)
        found.setdefault((schema, table), {})[column] = own
    for (schema, table), columns in found.items():
        yield Table(schema, table, columns)


def _type_here(mapping: AttributeMapping, table: str, column: str, type_: str) -> str:
    """Arrays by the mapping: the catalog there does not say of what an array is."""
    if type_ not in ("ARRAY", "VARIANT"):
        return _TYPES[type_]
    if column in _DERIVED_ARRAYS:
        return "VARCHAR[]"
    # what changes between visits stands in studies, though its attribute is of patients
    own = mapping.table(table.partition("_")[2])
    for attribute in (*own, *mapping.attributes):
        if attribute.column == column and attribute.vm != "1":
            return f"{_ELEMENTS[attribute.type]}[]"
    return "JSON"


def _copy(
    connection: SnowflakeConnection,
    copy: duckdb.DuckDBPyConnection,
    table: Table,
    here: str,
) -> None:
    columns = table.columns
    listed = ", ".join(f"{sql.name(column)} {type_}" for column, type_ in columns.items())
    copy.execute(f"create table {here} ({listed})")
    casts = ", ".join(_cast(column, type_) for column, type_ in columns.items())
    there = ", ".join(name(column) for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"select {there} from {name(table.schema)}.{name(table.name)}")
        batches = cursor.fetch_arrow_batches()
        for batch in batches:
            renamed: pa.Table = batch.rename_columns([c.lower() for c in batch.column_names])
            copy.register("batch", renamed)
            copy.execute(f"insert into {here} select {casts} from batch")
            copy.unregister("batch")


def _cast(column: str, type_: str) -> str:
    quoted = sql.name(column)
    if type_.endswith("[]"):  # an ARRAY comes as JSON
        return f"cast(cast({quoted} as json) as {type_})"
    return f"cast({quoted} as {type_})"
