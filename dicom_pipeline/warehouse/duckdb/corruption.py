"""Is a DuckDB file damaged? What is derived can then be made again.

Belongs here: telling damage from a lock, a full disk or anything else that a person has to mend.
Does not belong here: what becomes of a damaged file (pipeline).
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import duckdb

from dicom_pipeline.warehouse.duckdb import sql

# as DuckDB words it; a file of another version of DuckDB is as good as damaged
_DAMAGE = re.compile(
    "not a valid duckdb|read enough bytes|checksum|corrupt|serializ|version number|replaying wal"
    "|internal error|fatal error|database has been invalidated",
    re.IGNORECASE,
)


def indicates_corruption(error: duckdb.Error) -> bool:
    """Whether an error of DuckDB is about a file that cannot be read any more."""
    return _DAMAGE.search(str(error)) is not None


def is_corrupt(database: Path) -> bool:
    """Whether some table of a database cannot be read to its end; costs reading it whole."""
    if not database.exists():
        return False
    try:
        with contextlib.closing(duckdb.connect(str(database), read_only=True)) as connection:
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables()"
            ).fetchall()
            for names in tables:
                place = ".".join(map(sql.name, names))
                connection.execute(f"select bit_xor(hash(t)) from {place} as t").fetchall()
    except duckdb.Error as error:
        return indicates_corruption(error)
    return False
