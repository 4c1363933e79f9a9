"""Protocol of an open file, independent of where the file is stored.

Belongs here: the protocol.
Does not belong here: implementations (landing).
"""

from __future__ import annotations

from typing import Protocol


class OpenFile(Protocol):
    """Open file with random access to byte ranges.

    Attributes
    ----------
    size
        Size of the file in bytes.
    growth
        Bytes to request at once after the first block.
    """

    size: int
    growth: int = 16_384

    def read_at(self, offset: int, length: int) -> bytes:
        """Read up to ``length`` bytes from ``offset``; fewer only at the end of the file."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...
