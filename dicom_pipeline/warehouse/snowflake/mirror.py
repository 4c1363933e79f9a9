"""What Snowflake built, as a private DuckDB file, for all that looks at it before publishing.

Belongs here: copying tables from Snowflake, their types as DuckDB has them.
Does not belong here: looking at them (leak_check, removed_words, row_counts), and the raw rows,
which lie in the raw zone.

The leak check needs the raw zone too, and must not share SQL with what cleans. So it runs where the
raw zone is, on a copy, and is the same check for both warehouses. De-identified columns come over,
the lists of words, and of stage the keys and what was nulled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from dicom_pipeline.common.private_files import FILE_MODE, ensure_private_directory
from dicom_pipeline.mapping.attribute_mapping import AttributeMapping
from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.snowflake.session import name, run

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

# arrays that no line of the mapping has
_DERIVED_ARRAYS = ("conflicting_attributes", "modalities", "failed_casts", "leaked_cells")
# schema there -> schema here
SCHEMAS = {"PROCESSED_BUILD": "processed", "STAGE": "stage", "INTERNAL": "internal"}
_WORDS = ("allowed_words", "allowed_words_site", "defined_terms")
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


def mirror(
    connection: SnowflakeConnection,
    mapping: AttributeMapping,
    database: Path,
    schemas: Sequence[str] = (),
) -> dict[str, int]:
    """Replace a DuckDB file by a copy of what Snowflake built; the caller holds the writer lock.

    Parameters
    ----------
    connection
        A session.
    mapping
        The types of the elements of arrays, which Snowflake's catalog does not have.
    database
        The file, for its owner only.
    schemas
        Schemas there that are copied instead, whole, each under its own name.

    Returns
    -------
    dict
        Rows of each table, as ``schema.table``.
    """
    ensure_private_directory(database.parent)
    fresh = database.with_name(f"{database.name}.fresh")
    fresh.unlink(missing_ok=True)
    wanted = {s.upper(): s.lower() for s in schemas} or SCHEMAS
    rows: dict[str, int] = {}
    with closing(duckdb.connect(str(fresh))) as copy:
        fresh.chmod(FILE_MODE)
        for schema in wanted.values():
            copy.execute(f"create schema if not exists {sql.name(schema)}")
        for table in _tables(connection, mapping, tuple(wanted)):
            here = f"{wanted[table.schema]}.{sql.name(table.name)}"
            columns = table.columns if schemas else _chosen(connection, table)
            if columns:
                rows[here.replace('"', "")] = _copy(connection, copy, table, columns, here)
    database.with_name(f"{database.name}.wal").unlink(missing_ok=True)
    fresh.replace(database)
    return rows


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


def _chosen(connection: SnowflakeConnection, table: Table) -> dict[str, str]:
    """The columns that are looked at here."""
    if table.schema == "INTERNAL":
        return table.columns if table.name in _WORDS else {}
    if table.schema != "STAGE":
        return table.columns
    if "leaked_cells" not in table.columns:
        return {}
    nulled = {
        column
        for (column,) in run(
            connection,
            "select distinct cast(cells.value as varchar) as column_name"
            f" from stage.{name(table.name)} as staged,"
            " lateral flatten(input => staged.leaked_cells) as cells",
        )
    }
    kept = {c for c in table.columns if c.endswith("_key")} | nulled | {"leaked_cells"}
    return {column: type_ for column, type_ in table.columns.items() if column in kept}


def _copy(
    connection: SnowflakeConnection,
    copy: duckdb.DuckDBPyConnection,
    table: Table,
    columns: dict[str, str],
    here: str,
) -> int:
    """Copy a table batch by batch: however large it is, it is never in memory whole."""
    listed = ", ".join(f"{sql.name(column)} {type_}" for column, type_ in columns.items())
    copy.execute(f"create table {here} ({listed})")
    casts = ", ".join(_cast(column, type_) for column, type_ in columns.items())
    there = ", ".join(name(column) for column in columns)
    count = 0
    with connection.cursor() as cursor:
        cursor.execute(f"select {there} from {name(table.schema)}.{name(table.name)}")
        batches = cursor.fetch_arrow_batches()
        for batch in batches:
            renamed: pa.Table = batch.rename_columns([c.lower() for c in batch.column_names])
            copy.register("batch", renamed)
            copy.execute(f"insert into {here} select {casts} from batch")
            copy.unregister("batch")
            count += renamed.num_rows
    return count


def _cast(column: str, type_: str) -> str:
    quoted = sql.name(column)
    if type_.endswith("[]"):  # an ARRAY comes as JSON
        return f"cast(cast({quoted} as json) as {type_})"
    return f"cast({quoted} as {type_})"
