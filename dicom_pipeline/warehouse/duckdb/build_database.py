"""The build database as a file: who holds it, and how it goes.

Belongs here: waiting until a process that does not ask for our lock lets go of it; removing it.
Does not belong here: the lock of all that do ask (lock), and what is in it.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import duckdb

from dicom_pipeline.common.locks import LockUnavailable, Waiting
from dicom_pipeline.warehouse.duckdb.corruption import indicates_corruption


def wait_until_free(database: Path, *, seconds: float, waiting: Waiting | None = None) -> None:
    """Wait for a build database that a process without our lock still holds.

    A ``dbt`` whose parent was killed goes on to its end; so does ``dbt build`` by hand. A file
    that nobody can open any more goes: it is made anew.

    Raises
    ------
    LockUnavailable
        The database was not free in time.
    """
    deadline = time.monotonic() + seconds
    while database.exists():
        try:
            duckdb.connect(str(database)).close()
            return
        except duckdb.Error as error:
            # not just "lock": damage is told as that of a block
            if "set lock" not in str(error):
                if not indicates_corruption(error):
                    raise
                remove(database)
                if waiting:
                    waiting("the build database was damaged: all tables are built anew")
                return
        if time.monotonic() > deadline:
            raise LockUnavailable(
                f"{database.name} is held by another process; close it and run again"
            )
        if waiting:
            waiting(f"{database.name} is held by another process: waiting for it")
        time.sleep(2)


def remove(database: Path) -> None:
    """Remove a build database, and what DuckDB keeps beside it."""
    shutil.rmtree(database.with_name(f"{database.name}.tmp"), ignore_errors=True)
    # the log first: alone it would be taken for that of the next one
    for path in (database.with_name(f"{database.name}.wal"), database):
        path.unlink(missing_ok=True)
