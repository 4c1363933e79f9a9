"""Interface of a landing zone: listing and reading files, and the form of file names.

Belongs here: what a directory and a bucket have in common.
Does not belong here: the implementations (directory, s3.bucket), the content of files, which files
are new (scan).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from dicom_pipeline.common.open_file import OpenFile

# suffixes that programs give to files that they are still writing
TEMPORARY = (
    ".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".swp", "~",
)  # fmt: skip


class Ignored(StrEnum):
    """Why a name in the landing zone is ignored."""

    HIDDEN = "hidden_name"
    TEMPORARY = "temporary_name"
    SYMLINK = "symlink"
    BROKEN_SYMLINK = "broken_symlink"
    SPECIAL = "not_a_regular_file"
    DIRECTORY_MARKER = "directory_marker"
    PURGED = "purged"


# columns of raw tables that hold a `FileVersion`, in the order of its fields
FILE_COLUMNS = ("file_path", "file_size", "file_mtime_ns", "file_etag")


class FileVersion(NamedTuple):
    r"""Version of a file.

    Attributes
    ----------
    path
        Path relative to the zone, ``/``-separated, in valid Unicode. A backslash is doubled, and a
        byte that is not UTF-8 is written as ``\xNN``, so that any name can be stored.
    size
        Size in bytes.
    mtime_ns
        Modification time in nanoseconds since 1970, of a file in a directory.
    etag
        ETag without quotes, of an object in a bucket.
    """

    path: str
    size: int
    mtime_ns: int | None = None
    etag: str | None = None


@dataclass
class Listing:
    """Result of one listing of a zone.

    Attributes
    ----------
    files
        Files to load.
    unsettled
        Paths of files that may still be being written.
    ignored
        Ignored names, with the reason.
    errors
        Number of folders or files that could not be listed.
    rooted
        Whether the root of the zone could be listed.
    cut_short
        Whether the listing stopped at its deadline.
    next_start
        Where the next listing should start if this one was cut short.
    """

    files: list[FileVersion] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    ignored: dict[str, Ignored] = field(default_factory=dict)
    errors: int = 0
    rooted: bool = True
    cut_short: bool = False
    next_start: int = 0

    @property
    def complete(self) -> bool:
        """Whether everything was listed, so that a file that is not listed does not exist."""
        return not self.errors and not self.cut_short


class Storage(Protocol):
    """The landing zone, which is only listed and read.

    All methods may raise `StorageUnavailable` if the zone as a whole cannot be reached.
    """

    min_file_age_seconds: float

    def list_landing(self, *, start: int = 0, deadline: float | None = None) -> Listing:
        """List the zone as a landing zone; ``deadline`` is a ``time.monotonic()`` value."""
        ...

    def count_files(self) -> Iterator[str]:
        """Yield every name that is not a directory, independently of manifests and `list_landing`.

        Reconciliation compares the result with the loaded files.
        """
        ...

    def open(self, path: str, etag: str | None = None) -> OpenFile:
        """Open one file; with an ETag, only in that version.

        Raises
        ------
        FileNotFoundError
            The file does not exist, or not in that version.
        OSError
            The file cannot be opened.
        """
        ...

    def open_many(self, files: Sequence[FileVersion]) -> Iterator[OpenFile | OSError]:
        """Open files, in order; yields an error in place of a file that cannot be opened."""
        ...

    def heads(self, files: Iterable[FileVersion], length: int) -> Iterator[bytes | OSError]:
        """Read the first bytes of files, in order; yields an error for a file that fails."""
        ...

    def changed_at(self, path: str) -> float:
        """Return the latest time at which a file can have arrived, in seconds since 1970.

        Raises
        ------
        OSError
            The file does not exist or cannot be examined.
        """
        ...

    def is_empty(self) -> bool:
        """Whether the zone contains nothing at all, for example because a disk is not mounted."""
        ...

    def exists(self) -> bool:
        """Whether the zone exists."""
        ...


def encode_path(name: str) -> str:
    """Convert a name of the file system to the form of `FileVersion.path`."""
    if name.isascii() and "\\" not in name:
        return name
    escaped = name.replace("\\", "\\\\")
    return "".join(
        f"\\x{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in escaped
    )


def decode_path(text: str) -> str:
    """Convert a path of `FileVersion` back to a name of the file system."""
    if "\\" not in text:
        return text
    return re.sub(
        r"\\(\\|x([0-9a-f]{2}))",
        lambda m: "\\" if m[1] == "\\" else chr(0xDC00 + int(m[2], 16)),
        text,
    )
