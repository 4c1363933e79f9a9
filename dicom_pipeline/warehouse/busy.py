"""Whether a process that does not ask for our lock holds the build database.

Belongs here: waiting until it is let go.
Does not belong here: the lock of all that do ask (lock).
"""

from __future__ import annotations

import time
from pathlib import Path

import duckdb

from dicom_pipeline.lock import LockTaken, Waiting


def wait_until_free(database: Path, *, seconds: float, waiting: Waiting | None = None) -> None:
    """Wait for a build database that a process without our lock still holds.

    A ``dbt`` whose parent was killed goes on to its end; so does ``dbt build`` by hand.

    Raises
    ------
    LockTaken
        The database was not free in time.
    """
    deadline = time.monotonic() + seconds
    while database.exists():
        try:
            duckdb.connect(str(database)).close()
            return
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise
        if time.monotonic() > deadline:
            raise LockTaken(f"{database.name} is held by another process; close it and run again")
        if waiting:
            waiting(f"{database.name} is held by another process: waiting for it")
        time.sleep(2)
