"""Runs of elements that follow each other in file after file, taken apart in one call.

Belongs here: how a run of elements of known tags and lengths is recognised and cut into values.
Does not belong here: how elements are found the first time (walk), and text (remembered).

Headers of one series differ in values, hardly in tags and lengths. So a run that was walked once
is remembered by the header of its first element, and the next file's bytes are cut at the same
places by one `struct` call, which is right if all element headers are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import NamedTuple

LONGEST_RUN = 64  # elements
LONGEST = 256  # bytes of an element of a run: a run must fit into what is read at once

_Cut = Callable[[bytes, int], tuple[bytes, ...]]


class Element(NamedTuple):
    """An element of a run: its encoded header, tag, the length of its value, and who wants it.

    ``cell`` is the place of its text among the results, and ``vr`` as what it is read, if anybody
    wants it. Of a sequence that comes again and again all the bytes are the header, and
    ``constant`` is its result.
    """

    head: bytes
    tag: int
    length: int
    cell: int = -1
    vr: str | None = None
    constant: object = None


class Layout:
    """A run of elements with ascending tags.

    Attributes
    ----------
    size
        Bytes of the run.
    heads, cut_heads
        Encoded headers of its elements, and what cuts them out of a buffer at an offset.
    cells, vrs, cut_values
        Places and VRs of the wanted values, and what cuts these out.
    constants
        Places and results of wanted elements that are always the same.
    first_tag, last_tag
        Tags of the first and the last element.
    """

    __slots__ = (
        "_elements", "_prefixes", "cells", "constants", "cut_heads", "cut_values", "first_tag",
        "heads", "last_tag", "size", "vrs",
    )  # fmt: skip

    def __init__(self, elements: Sequence[Element]) -> None:
        self._elements = tuple(elements)
        self._prefixes: dict[int, Layout] = {}
        wanted = [(element.cell, element.vr) for element in elements if element.vr is not None]
        self.heads = tuple(element.head for element in elements)
        self.cells = tuple(cell for cell, _ in wanted)
        self.vrs = tuple(vr for _, vr in wanted)
        self.constants = tuple((e.cell, e.constant) for e in elements if e.constant is not None)
        heads = "".join(f"{len(e.head)}s{e.length}x" for e in elements)
        values = "".join(
            f"{len(e.head)}x{e.length}s" if e.vr is not None else f"{len(e.head) + e.length}x"
            for e in elements
        )
        struct = Struct("<" + heads)
        self.size = struct.size
        self.cut_heads: _Cut = struct.unpack_from
        self.cut_values: _Cut = Struct("<" + values).unpack_from
        self.first_tag = elements[0].tag
        self.last_tag = elements[-1].tag

    def common(self, heads: Sequence[bytes]) -> Layout | None:
        """The part of the run in front of the first header that is another one."""
        pairs = zip(self.heads, heads, strict=True)
        same = next(number for number, (own, other) in enumerate(pairs) if own != other)
        if not same:
            return None
        if same not in self._prefixes:
            self._prefixes[same] = Layout(self._elements[:same])
        return self._prefixes[same]
