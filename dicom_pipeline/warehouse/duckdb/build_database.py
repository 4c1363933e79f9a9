"""The build database as a file: waiting for other processes, and removal.

Belongs here: waiting for a process that has the file open without our write lock; removal.
Does not belong here: the write lock (common.locks), content of the database (dbt).
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import duckdb

from dicom_pipeline.common.locks import LockUnavailable, Waiting
from dicom_pipeline.warehouse.duckdb.corruption import indicates_corruption


def wait_until_free(database: Path, *, seconds: float, waiting: Waiting | None = None) -> None:
    """Wait until no process without our write lock has the build database open.

    Such a process is a ``dbt`` whose parent was killed, or ``dbt build`` called by hand. A corrupt
    file is removed; the next build creates it again.

    Parameters
    ----------
    database
        The build database.
    seconds
        Maximum time to wait.
    waiting
        Called with a message while waiting, and when a corrupt file is removed.

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
            # not only "lock": messages about corruption contain "block"
            if "set lock" not in str(error):
                if not indicates_corruption(error):
                    raise
                remove(database)
                if waiting:
                    waiting("the build database was damaged: all tables are rebuilt")
                return
        if time.monotonic() > deadline:
            raise LockUnavailable(
                f"{database.name} is held by another process; close it and run again"
            )
        if waiting:
            waiting(f"{database.name} is held by another process: waiting for it")
        time.sleep(2)


def remove(database: Path) -> None:
    """Remove a build database, its write-ahead log and its temporary files."""
    shutil.rmtree(database.with_name(f"{database.name}.tmp"), ignore_errors=True)
    # the log first: DuckDB would replay a remaining log into the next database
    for path in (database.with_name(f"{database.name}.wal"), database):
        path.unlink(missing_ok=True)
