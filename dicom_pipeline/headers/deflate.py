"""A deflated data set as a file of its own, of which only so much is inflated as a header can have.

Belongs here: inflating within a bound: two megabytes may hold two gigabytes.
Does not belong here: where in a file the deflated part begins, and parsing (pydicom_reader).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from dicom_pipeline.common.open_file import OpenFile

LARGEST_INFLATED = 64 << 20
_BLOCK = 1 << 16
_ENDLESS = 1 << 62


class InflatedFile(OpenFile):
    """The data set of a file in the deflated transfer syntax (PS3.5 annex A.5).

    Parameters
    ----------
    read_at
        Reads so many bytes of the file from an offset on.
    start
        Where its deflated part begins.

    Attributes
    ----------
    size
        Bytes of the data set; endless unless the deflated part came to its end.
    """

    def __init__(self, read_at: Callable[[int, int], bytes], start: int) -> None:
        self._too_large = False
        self._data = self._inflate(read_at, start)

    def _inflate(self, read_at: Callable[[int, int], bytes], start: int) -> bytes:
        self.size = _ENDLESS
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        found = bytearray()
        while block := read_at(start, _BLOCK):
            start += len(block)
            try:
                found += inflater.decompress(block, LARGEST_INFLATED - len(found))
            except zlib.error:
                break  # what came before it may be all that is wanted
            if inflater.eof:
                self.size = len(found)
                break
            if len(found) == LARGEST_INFLATED:
                self._too_large = True
                break
        return bytes(found)

    def read_at(self, offset: int, length: int) -> bytes:
        """Read up to ``length`` bytes; fewer at the end, and where the deflated part is broken.

        Raises
        ------
        ValueError
            No header is so large.
        """
        if self._too_large and offset >= len(self._data):
            raise ValueError("more was deflated than a header has")
        return self._data[offset : offset + length]

    def close(self) -> None:
        """Nothing is held; the file is closed by who opened it."""
