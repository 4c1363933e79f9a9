"""View of a file in which some ranges are deleted or replaced.

Belongs here: the edits, and reading a file with its edits applied.
Does not belong here: which edits a file needs (structure).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from dicom_pipeline.common.open_file import OpenFile


class Edit(NamedTuple):
    """Replacement of a range of bytes."""

    offset: int
    deleted: int
    inserted: bytes


class RepairedFile(OpenFile):
    """A file with edits.

    Parameters
    ----------
    file
        The file; it is not changed.
    edits
        The edits by ascending offset; they do not overlap.
    """

    def __init__(self, file: OpenFile, edits: Iterable[Edit]) -> None:
        self._file = file
        self._starts: list[int] = []
        # inserted bytes, or offset in the file
        self._parts: list[bytes | int] = []
        self.size = at = 0
        for edit in edits:
            self._add(at, edit.offset - at)
            self._add(edit.inserted, len(edit.inserted))
            at = edit.offset + edit.deleted
        self._add(at, file.size - at)

    def _add(self, part: bytes | int, length: int) -> None:
        if length > 0:
            self._starts.append(self.size)
            self._parts.append(part)
            self.size += length

    def read_at(self, offset: int, length: int) -> bytes:
        """Read up to ``length`` bytes from ``offset``; fewer only at the end of the file."""
        found = []
        index = bisect_right(self._starts, offset) - 1
        while length > 0 and 0 <= index < len(self._parts):
            start, part = self._starts[index], self._parts[index]
            last = index + 1 == len(self._parts)
            end = self.size if last else self._starts[index + 1]
            count = min(length, end - offset)
            if count <= 0:
                break
            inside = offset - start
            if isinstance(part, bytes):
                data = part[inside : inside + count]
            else:
                data = self._file.read_at(part + inside, count)
            found.append(data)
            if len(data) < count:
                break
            offset, length, index = offset + count, length - count, index + 1
        return b"".join(found)

    def close(self) -> None:
        """Do nothing: the caller that opened the file closes it."""
