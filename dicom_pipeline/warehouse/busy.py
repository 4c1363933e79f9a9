"""Whether a process that does not ask for our lock holds the build database.

Belongs here: waiting until it is let go.
Does not belong here: the lock of all that do ask (lock).
"""

from __future__ import annotations

import time
from pathlib import Path

import duckdb

from dicom_pipeline.lock import LockTaken, Waiting
from dicom_pipeline.warehouse.damage import says_damage


def wait_until_free(database: Path, *, seconds: float, waiting: Waiting | None = None) -> bool:
    """Wait for a build database that a process without our lock still holds.

    A ``dbt`` whose parent was killed goes on to its end; so does ``dbt build`` by hand.

    Returns
    -------
    bool
        False for a file that is damaged, so that nobody can open it.

    Raises
    ------
    LockTaken
        The database was not free in time.
    """
    deadline = time.monotonic() + seconds
    while database.exists():
        try:
            duckdb.connect(str(database)).close()
            return True
        except duckdb.Error as error:
            # not just "lock": damage is told as that of a block
            if "set lock" not in str(error):
                if says_damage(error):
                    return False
                raise
        if time.monotonic() > deadline:
            raise LockTaken(f"{database.name} is held by another process; close it and run again")
        if waiting:
            waiting(f"{database.name} is held by another process: waiting for it")
        time.sleep(2)
    return True
