"""One lock for all that write: the kernel's ``flock`` on a file in the warehouse directory.

Belongs here: taking and giving back that lock, and short ones between processes that start.
Does not belong here: what is done while it is held, the lock between machines (aws.lease).
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
    """Another process writes, and the caller did not want to wait for it."""


@contextmanager
def file_lock(file: Path) -> Iterator[None]:
    """Hold a lock while something is made that several processes make if it is not there.

    Parameters
    ----------
    file
        What is locked; it is made if needed, and stays. Its folder is there.
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
    """Hold the one lock of all writers.

    The lock is gone with its process, however that ends, so it can never be left behind.

    Parameters
    ----------
    warehouse_dir
        Where the lock's file lies.
    wait
        Wait for the lock; otherwise raise at once.
    waiting
        Called with a message every 30 s of waiting.

    Raises
    ------
    LockUnavailable
        ``wait`` is False and another process holds the lock.
    """
    ensure_private_directory(warehouse_dir)
    descriptor = os.open(warehouse_dir / "writer.lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        started = told = time.monotonic()
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not wait:
                    raise LockUnavailable("another run is writing") from None
            if waiting and (time.monotonic() - told > 30 or told == started):
                told = time.monotonic()
                waiting("another run is writing: waiting for it to end")
            time.sleep(0.5)
        yield
    finally:
        os.close(descriptor)
