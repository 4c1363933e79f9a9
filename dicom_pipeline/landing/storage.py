"""A zone and the files in it: what can be asked of any of them, and how files are named.

Belongs here: what a directory and a bucket have in common.
Does not belong here: how either does it (directory, bucket), what the files mean, which are new
(scan).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

from dicom_pipeline.common.open_file import OpenFile

# names of files that are still being written, by what writes them
TEMPORARY = (
    ".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".swp", "~",
)  # fmt: skip


class Ignored(StrEnum):
    """Why a name in the landing zone is passed over."""

    HIDDEN = "hidden_name"
    TEMPORARY = "temporary_name"
    SYMLINK = "symlink"
    BROKEN_SYMLINK = "broken_symlink"
    SPECIAL = "not_a_regular_file"
    DIRECTORY_MARKER = "directory_marker"
    WITHDRAWN = "purged"


class FileVersion(NamedTuple):
    r"""A file and what tells one version of it from another.

    ``path`` is relative to the zone, ``/``-separated, and pure Unicode: a backslash is doubled
    and a byte that is not UTF-8 stands as ``\xNN``, so that any name can be stored and found.
    """

    path: str
    size: int
    mtime_ns: int | None = None
    etag: str | None = None


@dataclass
class Listing:
    """What one listing of a zone found.

    ``complete`` says that every directory was read to its end without an error: only then may
    the absence of a file mean something. ``rooted`` says that the zone itself could be listed.
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
        """Whether a file that is not listed is not there."""
        return not self.errors and not self.cut_short


class Storage(Protocol):
    """The landing zone, which is only listed and read.

    All of it may raise `StorageUnavailable`, when the zone as a whole cannot be reached.
    """

    min_file_age_seconds: float

    def list_landing(self, *, start: int = 0, deadline: float | None = None) -> Listing:
        """List the zone as a landing zone; ``deadline`` is a ``time.monotonic()`` value."""
        ...

    def count_files(self) -> Iterator[str]:
        """Every name that is not a directory, told by nothing but the place itself."""
        ...

    def open(self, path: str, etag: str | None = None) -> OpenFile:
        """Open one file, in the version that was listed if there is an ETag.

        Raises ``OSError``; ``FileNotFoundError`` for what is not there.
        """
        ...

    def opened(self, files: Sequence[FileVersion]) -> Iterator[OpenFile | OSError]:
        """Open files, in their order; an error stands in for one that cannot be opened."""
        ...

    def heads(self, files: Iterable[FileVersion], length: int) -> Iterator[bytes | OSError]:
        """The first bytes of files, in their order; an error for one that cannot be read."""
        ...

    def changed_at(self, path: str) -> float:
        """When a file came to its place, at the latest, in seconds since 1970; or ``OSError``."""
        ...

    def is_empty(self) -> bool:
        """Whether nothing at all lies in the zone, as where a disk is not mounted."""
        ...

    def is_there(self) -> bool:
        """Whether the zone is there to be listed."""
        ...


def to_text(name: str) -> str:
    """Make a name of the file system storable (see `FileVersion`)."""
    if name.isascii() and "\\" not in name:
        return name
    escaped = name.replace("\\", "\\\\")
    return "".join(
        f"\\x{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in escaped
    )


def from_text(text: str) -> str:
    """The inverse of `to_text`."""
    if "\\" not in text:
        return text
    return re.sub(
        r"\\(\\|x([0-9a-f]{2}))",
        lambda m: "\\" if m[1] == "\\" else chr(0xDC00 + int(m[2], 16)),
        text,
    )
