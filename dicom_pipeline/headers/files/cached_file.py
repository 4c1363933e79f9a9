"""Open file whose first bytes are read only once.

Belongs here: the cache.
Does not belong here: what is read, by several passes over a header (pydicom_reader).
"""

from __future__ import annotations

from dicom_pipeline.common.open_file import OpenFile

LARGEST = 4 << 20  # bytes


class CachedFile(OpenFile):
    """A file with a cache of its first bytes, up to `LARGEST`.

    Parameters
    ----------
    file
        The file.
    """

    def __init__(self, file: OpenFile) -> None:
        self._file = file
        self._data = b""
        self.size = file.size
        self.growth = file.growth

    def read_at(self, offset: int, length: int) -> bytes:
        """Read up to ``length`` bytes from ``offset``; fewer only at the end of the file."""
        end, known = offset + length, len(self._data)
        if end > known < self.size:
            if offset > known or end > LARGEST:
                return self._file.read_at(offset, length)
            self._data += self._file.read_at(known, end - known)
        return self._data[offset:end]

    def close(self) -> None:
        """Do nothing: the caller that opened the file closes it."""
