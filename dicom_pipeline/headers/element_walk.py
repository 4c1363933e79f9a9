"""Walking over the elements of a little-endian data set, without pydicom.

Belongs here: finding the wanted elements among all, and when to stop or to doubt.
Does not belong here: how an element is encoded (elements), which file is walked (header).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dicom_pipeline.headers.buffered_reader import BufferedReader
from dicom_pipeline.headers.element_header import UNDEFINED, WIDEST, UnexpectedEnd, element_header
from dicom_pipeline.headers.fallback import FallbackReason, FallbackRequired
from dicom_pipeline.headers.run_layout import LONGEST, LONGEST_RUN, Element, Layout
from dicom_pipeline.headers.sequence_items import SequenceEnds
from dicom_pipeline.headers.value_cache import Decoder

LARGEST_VALUE = 1 << 20  # a wanted value beyond this is for pydicom to refuse
AMBIGUOUS = "US or SS"
PIXEL_REPRESENTATION = 0x00280103
_SEEN = 2048  # sequences
_LAYOUTS = 2048  # beyond that all are forgotten, and the next files teach new ones


@dataclass(frozen=True, slots=True)
class ComplexElement:
    """An element that is not plain text: tag, VR, encoded header and value."""

    tag: int
    vr: str | None
    head: bytes
    value: bytes


class Walk:
    """A walk over data sets of one syntax, and of one class to be quick.

    Parameters
    ----------
    wanted
        Place among the results and VR of each attribute that is wanted, by tag.
    special
        Place among the results of elements that are not plain text: they get a `ComplexElement`.
    last
        The walk ends in front of the first tag beyond this.
    pause
        The walk is interrupted behind this tag.
    implicit
        Implicit VR.
    """

    def __init__(
        self,
        wanted: Mapping[int, tuple[int, str]],
        special: Mapping[int, int],
        last: int,
        pause: int | None,
        *,
        implicit: bool,
    ) -> None:
        self._wanted = wanted
        self._special = special
        self._last = last
        self._pause = pause
        self._implicit = implicit
        self._layouts: dict[bytes, Layout] = {}
        self._ends = SequenceEnds(implicit=implicit)
        self._seen: dict[bytes, ComplexElement] = {}

    def advance(self, at: BufferedReader, decoder: Decoder, results: list[Any]) -> bool:
        """Walk on, and put the texts of wanted values among the results.

        Parameters
        ----------
        at
            Where the walk is, and then where it has come to.
        decoder
            The texts of values.
        results
            A place for each wanted attribute, and for each special one.

        Returns
        -------
        bool
            False at the end; True for a pause.

        Raises
        ------
        FallbackRequired
            The file is for pydicom to read.
        """
        run: list[Element] = []
        layout_of = self._layouts.get
        data, offset, tag = at.data, at.offset, at.tag
        while True:
            layout = layout_of(data[offset : offset + 8])
            if layout is not None and offset + layout.size <= len(data):
                heads = layout.cut_heads(data, offset)
                if heads != layout.heads:
                    layout = self._common(layout, heads)
                if layout is not None:
                    if run:
                        self._learn(run)
                    if layout.first_tag <= tag:
                        raise FallbackRequired(FallbackReason.ORDER)
                    values = layout.cut_values(data, offset)
                    for cell, vr, value in zip(layout.cells, layout.vrs, values, strict=True):
                        results[cell] = decoder[vr][value]
                    for cell, constant in layout.constants:
                        results[cell] = constant
                    tag = layout.last_tag
                    offset += layout.size
                    continue
            at.offset, at.tag = offset, tag
            if layout is not None and offset and at.have(layout.size) >= layout.size:
                data, offset = at.data, at.offset
                continue
            more = self._take(at, run, decoder, results)
            data, offset, tag = at.data, at.offset, at.tag
            if not more or tag == self._pause:
                self._learn(run)
                return more

    def _common(self, layout: Layout, heads: tuple[bytes, ...]) -> Layout | None:
        """As much of a layout as is true of these headers; it is remembered instead."""
        shorter = layout.common(heads)
        if shorter is not None:
            self._layouts[heads[0][:8]] = shorter
        return shorter

    def _learn(self, run: list[Element]) -> None:
        if run:
            if len(self._layouts) >= _LAYOUTS:
                self._layouts.clear()
            self._layouts[run[0].head[:8]] = Layout(run)
            run.clear()

    def _take(
        self, at: BufferedReader, run: list[Element], decoder: Decoder, results: list[Any]
    ) -> bool:
        """Take one element. False at the end of the walk."""
        if len(at.data) - at.offset < WIDEST and not at.have(WIDEST):
            return False
        try:
            tag, vr, width, length = element_header(
                at.data, at.offset, implicit=self._implicit, last=self._last
            )
        except UnexpectedEnd:
            raise FallbackRequired(FallbackReason.ENDS_EARLY) from None
        if tag > self._last:
            return False
        if tag <= at.tag:
            raise FallbackRequired(FallbackReason.ORDER)
        at.tag = tag
        slot = self._special.get(tag)
        if length == UNDEFINED or slot is not None:
            self._take_complex(at, run, results, (tag, vr, width, length))
            return True
        whole = width + length
        if whole > at.left:
            raise FallbackRequired(FallbackReason.ENDS_EARLY)
        wanted = self._wanted.get(tag)
        if wanted is None:
            if whole > LONGEST:
                self._learn(run)
            else:
                self._add(run, Element(at.data[at.offset : at.offset + width], tag, length))
            at.skip(whole)
            return True
        if length > LARGEST_VALUE:
            raise FallbackRequired(FallbackReason.LARGE)
        at.have(whole)
        head = at.data[at.offset : at.offset + width]
        value = at.data[at.offset + width : at.offset + whole]
        at.offset += whole
        cell, own = wanted
        chosen = own if vr is None or vr == "UN" else vr
        if chosen == AMBIGUOUS:
            self._learn(run)
            results[cell] = ComplexElement(tag, vr, head, value)
            return True
        if chosen == "SQ" or (tag == PIXEL_REPRESENTATION and chosen != own):
            raise FallbackRequired(FallbackReason.VALUE_REPRESENTATION)
        results[cell] = decoder[chosen][value]
        if whole > LONGEST:
            self._learn(run)
        else:
            self._add(run, Element(head, tag, length, cell, chosen))
        return True

    def _take_complex(
        self,
        at: BufferedReader,
        run: list[Element],
        results: list[Any],
        element: tuple[int, str | None, int, int],
    ) -> None:
        """Take a sequence, or what else is not plain text; learn it if it has come before."""
        tag, vr, width, length = element
        if length == UNDEFINED:
            length = self._ends.length(at, width, tag, vr)
        whole = width + length
        if whole > at.left:
            raise FallbackRequired(FallbackReason.ENDS_EARLY)
        slot = self._special.get(tag)
        if slot is None and whole > LONGEST:
            self._learn(run)
            at.skip(whole)
            return
        if length > LARGEST_VALUE:
            raise FallbackRequired(FallbackReason.LARGE)
        at.have(whole)
        data, offset = at.data, at.offset
        at.offset += whole
        all_of_it = data[offset : offset + whole]
        seen = self._seen.get(all_of_it)
        special = seen or ComplexElement(tag, vr, all_of_it[:width], all_of_it[width:])
        if slot is not None:
            results[slot] = special
        if seen is not None and tag != self._pause:
            constant = None if slot is None else special
            cell = -1 if slot is None else slot
            self._add(run, Element(all_of_it, tag, 0, cell, None, constant))
            return
        self._learn(run)
        if whole <= LONGEST:
            if len(self._seen) >= _SEEN:
                self._seen.clear()
            self._seen[all_of_it] = special

    def _add(self, run: list[Element], element: Element) -> None:
        run.append(element)
        if len(run) >= LONGEST_RUN:
            self._learn(run)
