"""What stands in the build database, in counts: rows, and what is worth a look.

Belongs here: counting after dbt. Does not belong here: values, and what the counts are shown in.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from dicom_pipeline.warehouse.duckdb import sql

Table = tuple[str, str]  # schema and name
_SCHEMAS = ("internal", "stage", "processed")
# columns that list names of columns, and what it means to be in them
_LISTS = {
    "failed_casts": "casts_failed",
    "leaked_cells": "cells_nulled",
    "conflicting_attributes": "conflicts",
}


@dataclass(frozen=True)
class TableCounts:
    """Counts of one table.

    Attributes
    ----------
    rows
        Its rows.
    casts_failed, cells_nulled, conflicts
        By column: rows whose raw value could not be read as its type, rows in which it was nulled
        because a term of the patient stood in it, rows whose files disagree about it.
    conflicting_rows
        Rows with a conflict in any column.
    """

    rows: int
    casts_failed: dict[str, int] = field(default_factory=dict)
    cells_nulled: dict[str, int] = field(default_factory=dict)
    conflicts: dict[str, int] = field(default_factory=dict)
    conflicting_rows: int | None = None


def table_counts(build: Path) -> dict[Table, TableCounts]:
    """Counts of each table of the build database; nothing if there is none.

    Parameters
    ----------
    build
        The build database, which no other process writes at the time.
    """
    with _opened(build) as connection:
        return {
            table: _counts(connection, table, columns)
            for table, columns in _tables(connection).items()
        }


def built_partitions(build: Path) -> dict[Table, set[tuple[str, str]]]:
    """Keys and versions of the partitions that each staged table consists of.

    Parameters
    ----------
    build
        The build database, which no other process writes at the time.
    """
    with _opened(build) as connection:
        return {
            table: set(
                connection.execute(
                    f"select distinct period_key, stage_version from {_name(table)}"
                ).fetchall()
            )
            for table, columns in _tables(connection).items()
            if table[0] == "stage" and {"period_key", "stage_version"} <= columns
        }


def _counts(connection: duckdb.DuckDBPyConnection, table: Table, columns: set[str]) -> TableCounts:
    def one(query: str) -> int:
        row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    place = _name(table)
    lists = {
        name: dict(
            connection.execute(
                "select name, count(*) from"
                f" (select unnest({column}) as name from {place} where len({column}) > 0)"
                " group by name order by name"
            ).fetchall()
        )
        for column, name in _LISTS.items()
        if column in columns
    }
    conflicting = None
    if "has_conflict" in columns:
        conflicting = one(f"select count(*) from {place} where has_conflict")
    rows = one(f"select count(*) from {place}")
    return TableCounts(rows, **lists, conflicting_rows=conflicting)


def _tables(connection: duckdb.DuckDBPyConnection) -> dict[Table, set[str]]:
    rows = connection.execute(
        "select c.schema_name, c.table_name, list(c.column_name) from duckdb_columns() as c"
        " join duckdb_tables() as t using (database_oid, schema_oid, table_oid)"
        " where c.schema_name = any(?) group by all order by all",
        [list(_SCHEMAS)],
    ).fetchall()
    return {(schema, table): set(columns) for schema, table, columns in rows}


def _name(table: Table) -> str:
    return ".".join(map(sql.name, table))


@contextlib.contextmanager
def _opened(build: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    place, read_only = (str(build), True) if build.exists() else (":memory:", False)
    with contextlib.closing(duckdb.connect(place, read_only=read_only)) as connection:
        yield connection
