"""Names, texts and parquet as SQL of DuckDB writes them."""

from __future__ import annotations

from pathlib import Path


def name(identifier: str) -> str:
    """A quoted identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text literal."""
    return "'" + value.replace("'", "''") + "'"


def raw_table(raw_dir: Path, table: str) -> str:
    """All partitions of a raw table, as a table function."""
    return f"read_parquet({text(f'{raw_dir}/{table}/*/data.parquet')}, union_by_name = true)"
