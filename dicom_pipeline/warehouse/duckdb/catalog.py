"""Tables of a DuckDB database, from its catalog.

Belongs here: opening a database to look at it, and listing tables with their columns.
Does not belong here: queries on the tables.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import duckdb

Table = tuple[str, str]  # schema and name


@contextlib.contextmanager
def opened(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database read-only; a missing file is an empty database."""
    name, read_only = (str(database), True) if database.exists() else (":memory:", False)
    with contextlib.closing(duckdb.connect(name, read_only=read_only)) as connection:
        yield connection


def tables(
    connection: duckdb.DuckDBPyConnection, *schemas: str, database: str | None = None
) -> dict[Table, list[str]]:
    """Return the columns of each table, without views, in the order of the names.

    Parameters
    ----------
    connection
        An open connection.
    schemas
        Only tables of these schemas; without any, those of all schemas.
    database
        Name of an attached database; the current one if None.
    """
    rows = connection.execute(
        "select schema_name, table_name, list(column_name order by column_index)"
        " from duckdb_columns() join duckdb_tables()"
        " using (database_name, schema_name, table_name)"
        " where database_name = coalesce(?, current_database())"
        " and (? or schema_name = any(?)) group by all order by all",
        [database, not schemas, list(schemas)],
    ).fetchall()
    return {(schema, table): columns for schema, table, columns in rows}
