"""What ails a disk, as a line of what happened and what to do.

Belongs here: recognising it, in errors of the system and in words of DuckDB, SQLite and dbt.
Does not belong here: what is written where; files that are damaged (damage).
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dicom_pipeline.common.errors import UserError

_FULL = "is full: free some space, then run again"
_READ_ONLY = "cannot be written: it is mounted read-only; mount it for writing, then run again"
_REFUSED = "cannot be used: permission denied; check who owns what lies there, and who runs this"
_FAILING = "reports an error of the device: have it looked at, then run again"
_BY_NUMBER = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _REFUSED,
    errno.EPERM: _REFUSED,
    errno.EIO: _FAILING,
}
_BY_WORDS = {
    "no space left on device|disk quota exceeded|disk is full|file too large": _FULL,
    "read-only file system|readonly database": _READ_ONLY,
    "permission denied": _REFUSED,
    "input/output error|disk i/o error": _FAILING,
}


class DiskError(UserError):
    """A disk is full, or cannot be written. Names a setting, never a file."""


def disk_error(error: BaseException, places: Mapping[str, Path]) -> DiskError | None:
    """What ails a disk, if that is the cause of an error.

    Parameters
    ----------
    error
        Whatever went wrong; its causes count too.
    places
        Folders by the setting that names them.

    Returns
    -------
    DiskError or None
        None where the error is of another kind.
    """
    for cause in _causes(error):
        words = f"{cause} {getattr(cause, 'filename', '')}"
        if isinstance(cause, OSError):
            what = _BY_NUMBER.get(cause.errno or 0)
        else:
            what = _by_words(words.lower())
        if what is not None:
            # one place may lie inside another
            named = [name for name, place in places.items() if _names(words, place)]
            where = max(named, key=lambda name: len(str(places[name])), default=None)
            return DiskError(f"the disk {f'of {where} ' if where else ''}{what}")
    return None


@contextmanager
def translate_disk_errors(places: Mapping[str, Path]) -> Iterator[None]:
    """Raise `DiskError` in place of an error whose cause is a disk; see `disk_error`."""
    try:
        yield
    except Exception as error:
        told = None if isinstance(error, UserError) else disk_error(error, places)
        if told is None:
            raise
        raise told from None


def _names(words: str, place: Path) -> bool:
    return re.search(rf"{re.escape(str(place))}(?![\w.-])", words) is not None


def _by_words(words: str) -> str | None:
    return next((what for found, what in _BY_WORDS.items() if re.search(found, words)), None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
