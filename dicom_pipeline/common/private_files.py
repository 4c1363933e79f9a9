"""Files that only their owner may read, with atomic replacement.

Belongs here: permissions and atomic replacement, for every zone that contains PHI or keys; the
writer of a raw zone that is a directory.
Does not belong here: the content of the files; the published file, which is readable by everyone;
a raw zone in a bucket (extract.raw_zone.s3_mirror).
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
    """Create a directory with mode 0700, or remove the access of others from an existing one."""
    path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(DIRECTORY_MODE)


def write_atomic(path: Path, data: bytes | memoryview) -> None:
    """Replace ``path`` by ``data`` atomically and durably, with mode 0600.

    The caller holds the writer lock. So a temporary file of the same name was left by a killed
    process; it is removed because it contains the same PHI as the file.
    """
    folder, name = os.path.split(path)
    try:
        beside = os.listdir(folder)
    except FileNotFoundError:
        for parent in reversed(path.parents):  # `parents=True` would ignore `mode` for parents
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
            error.filename = os.fspath(path)  # ENOSPC from a write has no file name
        raise


Data = bytes | memoryview


class Writer(Protocol):
    """Write operations on the files of the raw zone. Files are read directly by their paths.

    The caller holds the writer lock.
    """

    def write(self, path: Path, data: Data) -> None:
        """Replace one file atomically."""
        ...

    def write_all(self, files: Iterable[tuple[Path, Data]]) -> None:
        """Replace several files, in any order."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file, or a folder with its content; a missing path is not an error."""
        ...


class LocalWriter(Writer):
    """Writer of a raw zone that is a directory."""

    def write(self, path: Path, data: Data) -> None:
        """Replace one file with `write_atomic`."""
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
