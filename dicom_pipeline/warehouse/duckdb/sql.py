"""Quoting of names and texts in DuckDB SQL, and the table function for raw tables.

Belongs here: fragments of SQL that several modules need.
Does not belong here: queries.
"""

from __future__ import annotations

from pathlib import Path


def name(identifier: str) -> str:
    """Return a quoted identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return a text literal."""
    return "'" + value.replace("'", "''") + "'"


def raw_table(raw_dir: Path, table: str) -> str:
    """Return a table function that reads all partitions of a raw table."""
    return f"read_parquet({text(f'{raw_dir}/{table}/*/data.parquet')}, union_by_name = true)"
