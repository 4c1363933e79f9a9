"""A place in a file, and the bytes around it, which are read as they are needed.

Belongs here: reading ranges of an open file, each byte once and no more than is needed.
Does not belong here: what the bytes mean (walk, items).
"""

from __future__ import annotations

from dicom_pipeline.common.open_file import OpenFile

BLOCK = 8192
LARGEST_BLOCK = 1 << 17


class BufferedReader:
    """A place in a file.

    Attributes
    ----------
    data, offset
        Bytes of the file, and where in them the place is.
    start
        Where in the file the bytes begin.
    size
        Bytes of the whole file.
    tag
        Tag of the last element in front of the place.
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

    def have(self, wanted: int) -> int:
        """Make bytes from the place on available; ``offset`` and ``data`` may change.

        Returns
        -------
        int
            How many there are: fewer than ``wanted`` only at the end of the file.
        """
        there = len(self.data) - self.offset
        if there >= wanted:
            return there
        at = self.start + self.offset
        kept = self.data[self.offset :]
        begin = at + len(kept)
        if begin < self.size:
            self._block = min(self._block * 2, LARGEST_BLOCK)
            kept += self._file.read_at(begin, max(self._block, wanted - len(kept)))
        self.data, self.start, self.offset = kept, at, 0
        return len(kept)

    def skip(self, count: int) -> None:
        """Go on, without reading what lies between."""
        self.offset += count
        if self.offset > len(self.data):
            self.start += self.offset
            self.data, self.offset = b"", 0

    @property
    def left(self) -> int:
        """Bytes of the file behind the place."""
        return self.size - self.start - self.offset
