"""Detection of corrupt DuckDB files, which are derived data and can be rebuilt.

Belongs here: the distinction of corruption from locks, full disks and other errors.
Does not belong here: recovery of a corrupt file (build_database, operations.recovery).
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import duckdb

from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.duckdb.catalog import tables

# fragments of DuckDB's messages; a file of an incompatible version counts as corrupt
_CORRUPTION = re.compile(
    "not a valid duckdb|read enough bytes|checksum|corrupt|serializ|version number|replaying wal"
    "|internal error|fatal error|database has been invalidated",
    re.IGNORECASE,
)


def indicates_corruption(error: duckdb.Error) -> bool:
    """Return whether an error of DuckDB is caused by a corrupt file."""
    return _CORRUPTION.search(str(error)) is not None


def is_corrupt(database: Path) -> bool:
    """Return whether a table of a database cannot be read completely; reads all tables."""
    if not database.exists():
        return False
    try:
        with contextlib.closing(duckdb.connect(str(database), read_only=True)) as connection:
            for names in tables(connection):
                table = ".".join(map(sql.name, names))
                connection.execute(f"select bit_xor(hash(t)) from {table} as t").fetchall()
    except duckdb.Error as error:
        return indicates_corruption(error)
    return False
