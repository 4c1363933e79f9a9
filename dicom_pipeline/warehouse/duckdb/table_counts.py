"""Counts of the tables in the build database: rows, failed casts, nulled cells, conflicts.

Belongs here: counting after a dbt build.
Does not belong here: values, display of the counts (orchestration.assets.dbt_events).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.duckdb.catalog import Table as Table
from dicom_pipeline.warehouse.duckdb.catalog import opened, tables

_SCHEMAS = ("internal", "stage", "processed")
# columns that list names of columns, and the count in `TableCounts` that they belong to
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
        Number of rows.
    casts_failed
        Rows by column whose raw value could not be cast to the type of the column.
    cells_nulled
        Rows by column whose value was set to null because it contained a term of the patient.
    conflicts
        Rows by column whose files have different values.
    conflicting_rows
        Rows with a conflict in any column; None if the table does not record conflicts.
    """

    rows: int
    casts_failed: dict[str, int] = field(default_factory=dict)
    cells_nulled: dict[str, int] = field(default_factory=dict)
    conflicts: dict[str, int] = field(default_factory=dict)
    conflicting_rows: int | None = None


def table_counts(build: Path) -> dict[Table, TableCounts]:
    """Return the counts of each table of the build database; empty if the file does not exist.

    Parameters
    ----------
    build
        The build database; no other process may write it at the same time.
    """
    with opened(build) as connection:
        return {
            table: _counts(connection, table, columns)
            for table, columns in tables(connection, *_SCHEMAS).items()
        }


def built_partitions(build: Path) -> dict[Table, set[tuple[str, str]]]:
    """Return keys and versions of the partitions in each staged table.

    Parameters
    ----------
    build
        The build database; no other process may write it at the same time.
    """
    with opened(build) as connection:
        return {
            table: set(
                connection.execute(
                    f"select distinct period_key, stage_version from {_name(table)}"
                ).fetchall()
            )
            for table, columns in tables(connection, *_SCHEMAS).items()
            if table[0] == "stage" and {"period_key", "stage_version"} <= set(columns)
        }


def _counts(connection: duckdb.DuckDBPyConnection, table: Table, columns: list[str]) -> TableCounts:
    def scalar(query: str) -> int:
        row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    source = _name(table)
    lists = {
        name: dict(
            connection.execute(
                "select name, count(*) from"
                f" (select unnest({column}) as name from {source} where len({column}) > 0)"
                " group by name order by name"
            ).fetchall()
        )
        for column, name in _LISTS.items()
        if column in columns
    }
    conflicting = None
    if "has_conflict" in columns:
        conflicting = scalar(f"select count(*) from {source} where has_conflict")
    rows = scalar(f"select count(*) from {source}")
    return TableCounts(rows, **lists, conflicting_rows=conflicting)


def _name(table: Table) -> str:
    return ".".join(map(sql.name, table))
