"""Files that only their owner may read, with atomic replacement.

Belongs here: permissions and atomic replacement, for every zone that contains PHI or keys; the
writer of a raw zone that is a directory.
Does not belong here: the content of the files; the published file, which is readable by everyone;
a raw zone in a bucket (extract.raw_zone.s3_mirror).
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
_GROUP, _OTHERS = 0o070, 0o007


class NotPrivateError(PermissionError):
    """Other users may access a directory, and this process cannot change that."""


def ensure_private_directory(path: Path) -> None:
    """Create a directory with mode 0700, or remove the access of others from an existing one.

    Only the owner may change the mode. The root of a volume may belong to another user:
    Kubernetes makes it the directory of root and of the group ``fsGroup``, with mode 2770. A
    directory of another user is accepted if only its owner and a group of this process have
    access.

    Raises
    ------
    NotPrivateError
        Other users may access the directory, and its mode cannot be changed.
    OSError
        The same, on a disk that is mounted read-only.
    """
    path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    if not _allows_others(path, _GROUP | _OTHERS):
        return
    failure: OSError | None = None
    try:
        path.chmod(DIRECTORY_MODE)
    except OSError as error:
        failure = error
    status = path.stat()  # the result counts: some file systems ignore a change without an error
    is_shared = status.st_uid != os.geteuid() and status.st_gid in {os.getegid(), *os.getgroups()}
    if _allows_others(path, _OTHERS if is_shared else _GROUP | _OTHERS):
        if failure is not None and failure.errno == errno.EROFS:
            raise failure
        raise NotPrivateError(errno.EPERM, "other users may access the directory", str(path))


def _allows_others(path: Path, bits: int) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & bits)


def make_directories(path: Path) -> None:
    """Create a directory and its missing parents with mode 0700; existing ones are not changed."""
    for directory in (*reversed(path.parents), path):  # `parents=True` ignores `mode` for parents
        directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)


def restrict_files(directory: Path) -> None:
    """Make the files of a private directory readable only by their owner.

    Files of another user are not changed: nobody else reaches them in a private directory.
    """
    for path in directory.iterdir():
        if path.is_file() and path.stat().st_uid == os.geteuid():
            path.chmod(FILE_MODE)


def write_atomic(path: Path, data: bytes | memoryview) -> None:
    """Replace ``path`` by ``data`` atomically and durably, with mode 0600.

    The caller holds the writer lock. So a temporary file of the same name was left by a killed
    process; it is removed because it contains the same PHI as the file.
    """
    folder, name = os.path.split(path)
    try:
        beside = os.listdir(folder)
    except FileNotFoundError:
        make_directories(path.parent)
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
