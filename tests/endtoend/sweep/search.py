"""Search for thousands of needles in hundreds of megabytes.

Belongs here: the search for bytes in bytes.
Does not belong here: forms of needles (needles), and reading files (places).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .needles import Needle, Needles
from .places import Piece

_ANCHOR = 4  # bytes that are checked at each position before needles are compared
_BITS = 22
_FACTOR = np.uint32(2654435761)
_CHUNK = 1 << 22
_DAY = 8
_SHORTEST_HASH = 12
_HEXADECIMAL = frozenset(b"0123456789abcdef")


@dataclass(frozen=True)
class Hit:
    """A needle that was found."""

    place: str
    needle: Needle
    form: str
    around: str


class Search:
    """Search index of all forms of all needles."""

    def __init__(self, needles: Needles) -> None:
        self.forms = needles.forms()
        self._lengths: dict[bytes, set[int]] = defaultdict(
            set
        )  # of forms that begin with an anchor
        for form in self.forms:
            self._lengths[form[:_ANCHOR]].add(len(form))
        self._longest = max(map(len, self.forms))
        self._known = np.zeros(1 << _BITS, bool)
        anchors = np.frombuffer(b"".join(self._lengths), "<u4")
        self._known[_slots(anchors)] = True

    def hits(self, piece: Piece) -> Iterator[Hit]:
        """Yield every needle of a piece once, with its first position."""
        seen: set[Needle] = set()
        for content in (piece.path.encode(errors="replace"), piece.content):
            data = content.lower()
            for form, start in self._found(data):
                needle, name = self.forms[form]
                if needle not in seen:
                    seen.add(needle)
                    around = content[max(start - 40, 0) : start + len(form) + 40]
                    yield Hit(piece.path, needle, name, repr(around))

    def _found(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        for begin in range(0, len(data), _CHUNK):
            chunk = data[begin : begin + _CHUNK + self._longest]
            for start in self._suspects(chunk):
                for length in self._lengths.get(chunk[start : start + _ANCHOR], ()):
                    form = chunk[start : start + length]
                    if form in self.forms and (
                        length != _DAY or _stands_alone(form, data, begin + start)
                    ):
                        yield form, begin + start

    def _suspects(self, chunk: bytes) -> Iterator[int]:
        for shift in range(_ANCHOR):
            length = (len(chunk) - shift) // _ANCHOR
            if length > 0:
                windows = np.frombuffer(chunk, "<u4", count=length, offset=shift)
                for index in np.flatnonzero(self._known[_slots(windows)]):
                    yield shift + _ANCHOR * int(index)


def _slots(windows: np.ndarray) -> np.ndarray:
    slots: np.ndarray = (windows * _FACTOR) >> np.uint32(32 - _BITS)
    return slots


def _stands_alone(form: bytes, data: bytes, start: int) -> bool:
    """Return False for eight digits that are part of a hash, a counter or a fraction."""
    if not form.isdigit():
        return True
    end = start + len(form)
    first, last = start, end
    while first and data[first - 1] in _HEXADECIMAL:
        first -= 1
    while last < len(data) and data[last] in _HEXADECIMAL:
        last += 1
    if last - first >= _SHORTEST_HASH and not data[first:last].isdigit():
        return False
    before, after = data[start - 1 : start], data[end : end + 7]
    if before.isdigit() or before == b".":
        return False
    # exactly six more digits can be the time of a DICOM DT value
    return not after[:1].isdigit() or (after[:6].isdigit() and not after[6:].isdigit())
