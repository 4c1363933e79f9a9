"""File locks with ``flock``: the lock of all writers, and short locks between processes.

Belongs here: acquiring and releasing locks on this machine.
Does not belong here: the work done under a lock; the lock between machines (landing.s3.lease).
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dicom_pipeline.common.errors import UserError
from dicom_pipeline.common.private_files import FILE_MODE, ensure_private_directory

Waiting = Callable[[str], None]


class LockUnavailable(UserError):
    """Another process holds the lock, and the caller does not wait."""


@contextmanager
def file_lock(file: Path) -> Iterator[None]:
    """Hold a lock while one of several processes creates something.

    Parameters
    ----------
    file
        The file to lock, in an existing folder. It is created if needed and not removed.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def writer_lock(
    warehouse_dir: Path, *, wait: bool = True, waiting: Waiting | None = None
) -> Iterator[None]:
    """Hold the lock of all writers.

    The kernel releases the lock when its process ends, so a killed process leaves no lock behind.

    Parameters
    ----------
    warehouse_dir
        Directory of the lock file.
    wait
        Wait for the lock; otherwise raise at once.
    waiting
        Called with a message at once and then every 30 s of waiting.

    Raises
    ------
    LockUnavailable
        ``wait`` is False and another process holds the lock.
    """
    ensure_private_directory(warehouse_dir)
    descriptor = os.open(warehouse_dir / "writer.lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        started = reported = time.monotonic()
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not wait:
                    raise LockUnavailable("another run is writing") from None
            if waiting and (time.monotonic() - reported > 30 or reported == started):
                reported = time.monotonic()
                waiting("another run is writing: waiting for it to end")
            time.sleep(0.5)
        yield
    finally:
        os.close(descriptor)
