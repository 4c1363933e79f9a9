"""Raw stream over an open file, for pydicom.

Belongs here: reading ranges as pydicom asks for them, and detecting reads past the end.
Does not belong here: parsing (pydicom_reader, data_set).
"""

from __future__ import annotations

import io

from dicom_pipeline.common.open_file import OpenFile

BLOCK = 8192
LARGEST_BLOCK = 1 << 20


class Deflated(Exception):
    """pydicom asked for the rest of the file, which it does only for deflated data sets."""


class HeaderStream(io.RawIOBase):
    """Raw stream over an `OpenFile` that reads ranges as needed.

    Attributes
    ----------
    cut_short
        Whether a read was cut off by the end of the file, or a seek went past it.
    failure
        Error raised by the storage. It is kept because pydicom itself raises `OSError` for broken
        sequences.
    """

    def __init__(self, file: OpenFile) -> None:
        super().__init__()
        self._file = file
        self._position = 0
        self._buffer = b""
        self._start = 0
        self._block = BLOCK
        self.cut_short = False
        self.failure: OSError | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in the file."""
        return self._position

    @property
    def left(self) -> int:
        """Number of bytes from the position to the end of the file."""
        return max(self._file.size - self._position, 0)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Change the position; a position past the end means that the file is truncated."""
        base = (0, self._position, self._file.size)[whence]
        self._position = max(base + offset, 0)
        if self._position > self._file.size:
            self.cut_short = True
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Read from the current position; never the whole rest, which may be very large."""
        if size is None or size < 0:
            raise Deflated
        left, wanted = self.left, size
        if wanted > left:
            # an element header (8 bytes) or a peek (1 byte) that finds nothing, or zeros, is a
            # regular end of file
            ending = self.read_at(self._position, left) if wanted in (8, 1) else b"?"
            if ending.strip(b"\0"):
                self.cut_short = True
            wanted = left
        offset = self._position - self._start
        if offset < 0 or offset + wanted > len(self._buffer):
            self._fill(wanted)
            offset = self._position - self._start
        data = self._buffer[offset : offset + wanted]
        self._position += len(data)
        if len(data) < wanted:  # the deflated data is corrupt, or the file was just truncated
            self.cut_short = True
            raise EOFError
        return data

    def _fill(self, wanted: int) -> None:
        end = self._start + len(self._buffer)
        if self._start <= self._position <= end:
            kept = self._buffer[self._position - self._start :]
        else:
            kept, end = b"", self._position
        self._start = self._position
        ahead = self._block - end % BLOCK  # up to a multiple of a block, which was read before
        self._buffer = kept + self.read_at(end, max(wanted - len(kept), ahead))
        self._block = min(max(self._start + len(self._buffer), BLOCK), LARGEST_BLOCK)

    def read_at(self, offset: int, length: int) -> bytes:
        """Read a range of the file; keep an error of the storage in ``failure``."""
        try:
            return self._file.read_at(offset, length)
        except OSError as error:
            self.failure = error
            raise
