"""Which versions of the stage tables passed the leak check: only these leave the private zone.

Belongs here: a file beside the build database with a digest of the versions.
Does not belong here: the check (leak_check), sending tables (snowflake.load).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb

from dicom_pipeline.common.private_files import write_atomic
from dicom_pipeline.warehouse.duckdb import sql


def record_checked(build: Path) -> None:
    """Record that the stage tables, as they are now, passed the check."""
    write_atomic(_file(build), _versions_digest(build).encode())


def forget_checked(build: Path) -> None:
    """Remove the record: a check begins, or the tables are gone."""
    _file(build).unlink(missing_ok=True)


def is_checked(build: Path) -> bool:
    """Return whether the stage tables, as they are now, passed the check."""
    try:
        return build.exists() and _file(build).read_text() == _versions_digest(build)
    except FileNotFoundError:
        return False


def _versions_digest(build: Path) -> str:
    digest = hashlib.sha256()
    with duckdb.connect(str(build), read_only=True) as connection:
        tables = connection.execute(
            "select table_name from duckdb_columns() where schema_name = 'stage'"
            " and column_name = 'stage_version' order by 1"
        ).fetchall()
        for (table,) in tables:
            rows = connection.execute(
                f"select period_key, stage_version, count(*) from stage.{sql.name(table)}"
                " group by all order by all"
            ).fetchall()
            digest.update(repr((table, rows)).encode())
    return digest.hexdigest()


def _file(build: Path) -> Path:
    return build.with_name(f"{build.name}.checked")
