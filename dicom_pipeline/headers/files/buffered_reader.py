"""Forward reader of a file with a buffer.

Belongs here: reading ranges of an open file, each byte at most once, and only as needed.
Does not belong here: parsing the bytes (element_walk, sequence_items).
"""

from __future__ import annotations

from dicom_pipeline.common.open_file import OpenFile

BLOCK = 8192
LARGEST_BLOCK = 1 << 17


class BufferedReader:
    """Current position in a file, with a buffer of the bytes that follow.

    Attributes
    ----------
    data, offset
        The buffer, and the current position as an offset into it.
    start
        Offset of the buffer in the file.
    size
        Size of the file in bytes.
    tag
        Tag of the last element before the current position.
    """

    __slots__ = ("_block", "_file", "data", "offset", "size", "start", "tag")

    def __init__(self, file: OpenFile) -> None:
        self._file = file
        self._block = file.growth // 2  # doubled before each use
        self.size = file.size
        self.data = file.read_at(0, BLOCK)
        self.start = 0
        self.offset = 0
        self.tag = -1

    def ensure(self, wanted: int) -> int:
        """Read until the buffer has ``wanted`` bytes; ``offset`` and ``data`` may change.

        Returns
        -------
        int
            Number of bytes available: fewer than ``wanted`` only at the end of the file.
        """
        available = len(self.data) - self.offset
        if available >= wanted:
            return available
        at = self.start + self.offset
        kept = self.data[self.offset :]
        begin = at + len(kept)
        if begin < self.size:
            self._block = min(self._block * 2, LARGEST_BLOCK)
            kept += self._file.read_at(begin, max(self._block, wanted - len(kept)))
        self.data, self.start, self.offset = kept, at, 0
        return len(kept)

    def peek(self, distance: int, count: int) -> bytes:
        """Return bytes at a distance from the current position, which does not change."""
        begin = self.offset + distance
        if begin + count <= len(self.data):
            return self.data[begin : begin + count]
        return self._file.read_at(self.start + begin, count)

    def skip(self, count: int) -> None:
        """Advance by ``count`` bytes without reading them."""
        self.offset += count
        if self.offset > len(self.data):
            self.start += self.offset
            self.data, self.offset = b"", 0

    @property
    def left(self) -> int:
        """Number of bytes from the current position to the end of the file."""
        return self.size - self.start - self.offset
