"""Disk errors as one line: what happened and what to do.

Belongs here: recognising a disk error in system errors and in messages of DuckDB, SQLite and dbt.
Does not belong here: writing files; corrupt files (warehouse.duckdb.corruption).
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dicom_pipeline.common.errors import UserError
from dicom_pipeline.common.private_files import NotPrivateError

_FULL = "is full: free some space, then run again"
_READ_ONLY = "cannot be written: it is mounted read-only; mount it for writing, then run again"
_DENIED = "cannot be used: permission denied; check the owner of the files and the current user"
_NOT_PRIVATE = (
    "cannot be used: other users may access the directory, and only its owner can change that; set "
    "its mode to 0700"
)
_FAILING = "reports a hardware error: check the device, then run again"
_BY_NUMBER = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EIO: _FAILING,
}
_BY_MESSAGE = {
    "no space left on device|disk quota exceeded|disk is full|file too large": _FULL,
    "read-only file system|readonly database": _READ_ONLY,
    "permission denied": _DENIED,
    "input/output error|disk i/o error": _FAILING,
}


class DiskError(UserError):
    """A disk is full or cannot be written. The message names a setting, never a file."""


def disk_error(error: BaseException, locations: Mapping[str, Path]) -> DiskError | None:
    """Return a `DiskError` if a disk is the cause of an error.

    Parameters
    ----------
    error
        Any error; its causes are examined too.
    locations
        Folders by the name of their setting.

    Returns
    -------
    DiskError or None
        None if the cause is not a disk.
    """
    for cause in _causes(error):
        message = f"{cause} {getattr(cause, 'filename', '')}"
        if isinstance(cause, NotPrivateError):
            problem: str | None = _NOT_PRIVATE
        elif isinstance(cause, OSError):
            problem = _BY_NUMBER.get(cause.errno or 0)
        else:
            problem = _by_message(message.lower())
        if problem is not None:
            # one location may be inside another: take the innermost
            named = [name for name, folder in locations.items() if _mentions(message, folder)]
            setting = max(named, key=lambda name: len(str(locations[name])), default=None)
            return DiskError(f"the disk {f'of {setting} ' if setting else ''}{problem}")
    return None


@contextmanager
def translate_disk_errors(locations: Mapping[str, Path]) -> Iterator[None]:
    """Raise `DiskError` instead of an error that a disk caused; see `disk_error`."""
    try:
        yield
    except Exception as error:
        translated = None if isinstance(error, UserError) else disk_error(error, locations)
        if translated is None:
            raise
        raise translated from None


def _mentions(message: str, folder: Path) -> bool:
    return re.search(rf"{re.escape(str(folder))}(?![\w.-])", message) is not None


def _by_message(message: str) -> str | None:
    matches = (problem for found, problem in _BY_MESSAGE.items() if re.search(found, message))
    return next(matches, None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
