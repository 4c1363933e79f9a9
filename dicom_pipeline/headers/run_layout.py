"""Layouts of runs of elements that repeat from file to file.

Belongs here: recognising a run of elements with known tags and lengths, and splitting it.
Does not belong here: finding elements the first time (element_walk), and text (value_cache).

Headers of one series differ in values, but rarely in tags and lengths. So a run is cached by the
header of its first element, and the bytes of the next file are split at the same offsets by one
`struct` call. The result is valid if all element headers are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import NamedTuple

LONGEST_RUN = 64  # elements
LONGEST = 256  # bytes of one element: a run must fit into the buffer of the reader

_Cut = Callable[[bytes, int], tuple[bytes, ...]]


class Element(NamedTuple):
    """Element of a run.

    Attributes
    ----------
    header
        Encoded header. For a sequence that repeats unchanged, all of its bytes.
    tag, length
        Tag, and length of the value in bytes.
    cell
        Index of the text in the results; -1 if the element is not wanted.
    vr
        VR for decoding the value; None if the element is not wanted.
    constant
        Result of a sequence that repeats unchanged.
    """

    header: bytes
    tag: int
    length: int
    cell: int = -1
    vr: str | None = None
    constant: object = None


class Layout:
    """Layout of a run of elements with ascending tags.

    Attributes
    ----------
    size
        Size of the run in bytes.
    headers, cut_headers
        Encoded headers of the elements, and a function that extracts them from a buffer.
    cells, vrs, cut_values
        Result indexes and VRs of the wanted values, and a function that extracts the values.
    constants
        Result indexes and results of wanted elements that repeat unchanged.
    first_tag, last_tag
        Tags of the first and the last element.
    """

    __slots__ = (
        "_elements", "_prefixes", "cells", "constants", "cut_headers", "cut_values", "first_tag",
        "headers", "last_tag", "size", "vrs",
    )  # fmt: skip

    def __init__(self, elements: Sequence[Element]) -> None:
        self._elements = tuple(elements)
        self._prefixes: dict[int, Layout] = {}
        wanted = [(element.cell, element.vr) for element in elements if element.vr is not None]
        self.headers = tuple(element.header for element in elements)
        self.cells = tuple(cell for cell, _ in wanted)
        self.vrs = tuple(vr for _, vr in wanted)
        self.constants = tuple((e.cell, e.constant) for e in elements if e.constant is not None)
        headers = "".join(f"{len(e.header)}s{e.length}x" for e in elements)
        values = "".join(
            f"{len(e.header)}x{e.length}s" if e.vr is not None else f"{len(e.header) + e.length}x"
            for e in elements
        )
        struct = Struct("<" + headers)
        self.size = struct.size
        self.cut_headers: _Cut = struct.unpack_from
        self.cut_values: _Cut = Struct("<" + values).unpack_from
        self.first_tag = elements[0].tag
        self.last_tag = elements[-1].tag

    def common(self, headers: Sequence[bytes]) -> Layout | None:
        """Return the part of the run before the first header that differs, or None if empty."""
        pairs = zip(self.headers, headers, strict=True)
        same = next(number for number, (own, other) in enumerate(pairs) if own != other)
        if not same:
            return None
        if same not in self._prefixes:
            self._prefixes[same] = Layout(self._elements[:same])
        return self._prefixes[same]
