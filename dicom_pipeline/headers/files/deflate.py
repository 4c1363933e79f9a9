"""Deflated data set as an open file, inflated only up to the largest size of a header.

Belongs here: inflating with a limit, because two megabytes may inflate to two gigabytes.
Does not belong here: finding the deflated part in a file, and parsing (pydicom_reader).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from dicom_pipeline.common.open_file import OpenFile

LARGEST_INFLATED = 64 << 20
_BLOCK = 1 << 16
_UNKNOWN_SIZE = 1 << 62


class InflatedFile(OpenFile):
    """Data set of a file in the deflated transfer syntax (PS3.5 annex A.5).

    Parameters
    ----------
    read_at
        Reads a number of bytes of the file; arguments are offset and length.
    start
        Offset of the deflated part.

    Attributes
    ----------
    size
        Size of the data set in bytes; 2^62 if the end of the deflated part was not reached.
    """

    def __init__(self, read_at: Callable[[int, int], bytes], start: int) -> None:
        self._too_large = False
        self._data = self._inflate(read_at, start)

    def _inflate(self, read_at: Callable[[int, int], bytes], start: int) -> bytes:
        self.size = _UNKNOWN_SIZE
        decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
        found = bytearray()
        while block := read_at(start, _BLOCK):
            start += len(block)
            try:
                found += decompressor.decompress(block, LARGEST_INFLATED - len(found))
            except zlib.error:
                break  # the bytes before the error may contain the whole header
            if decompressor.eof:
                self.size = len(found)
                break
            if len(found) == LARGEST_INFLATED:
                self._too_large = True
                break
        return bytes(found)

    def read_at(self, offset: int, length: int) -> bytes:
        """Read up to ``length`` bytes; fewer at the end, and where the deflated part is corrupt.

        Raises
        ------
        ValueError
            ``offset`` is beyond the largest size of a header.
        """
        if self._too_large and offset >= len(self._data):
            raise ValueError("the deflated data set is larger than a header may be")
        return self._data[offset : offset + length]

    def close(self) -> None:
        """Do nothing: the caller that opened the file closes it."""
