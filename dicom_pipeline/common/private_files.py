"""Files that only their owner may read, replaced whole or not at all.

Belongs here: modes and atomic replacement, for every zone that holds PHI or keys; how the raw zone
is written where it is a directory.
Does not belong here: what is in the files; the published file, which everybody may read; a raw zone
in a bucket (raw_mirror).
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600


def ensure_private_directory(path: Path) -> None:
    """Create a directory that only its owner may enter, and close it to others if it was open."""
    path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(DIRECTORY_MODE)


def write_atomic(path: Path, data: bytes | memoryview) -> None:
    """Replace ``path`` by ``data``, durable and never half there; mode 0600.

    The caller holds the writer lock, so that what lies beside it under a temporary name was left
    by a killed process and can go: it holds as much PHI as the file.
    """
    folder, name = os.path.split(path)
    try:
        beside = os.listdir(folder)
    except FileNotFoundError:
        for parent in reversed(path.parents):  # `parents=True` would leave those open to others
            parent.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        beside = []
    for other in beside:
        if other.startswith(f".{name}.") and other.endswith(".tmp"):
            Path(folder, other).unlink(missing_ok=True)
    temporary = Path(folder, f".{name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = os.fspath(path)  # a full disk does not say which
        raise


Data = bytes | memoryview


class Writer(Protocol):
    """All that is done to the files of the raw zone; they are read where their paths say.

    The caller holds the writer lock.
    """

    def write(self, path: Path, data: Data) -> None:
        """Replace one file, whole or not at all."""
        ...

    def write_all(self, files: Iterable[tuple[Path, Data]]) -> None:
        """Replace some files, in any order."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file, or a folder and what is in it; what is not there is no error."""
        ...


class LocalWriter(Writer):
    """Writes a raw zone that is a directory."""

    def write(self, path: Path, data: Data) -> None:
        """Replace one file; see `write_atomic`."""
        write_atomic(path, data)

    def write_all(self, files: Iterable[tuple[Path, Data]]) -> None:
        """Replace files one after the other."""
        for path, data in files:
            write_atomic(path, data)

    def remove(self, path: Path) -> None:
        """Remove a file or a folder."""
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


LOCAL_WRITER = LocalWriter()
