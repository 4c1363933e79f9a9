"""Walk over the elements of a little-endian data set without pydicom.

Belongs here: finding the wanted elements, and when to stop or to fall back to pydicom.
Does not belong here: decoding of element headers (element_header), choice of files (fast_reader).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dicom_pipeline.headers.element_header import UNDEFINED, WIDEST, UnexpectedEnd, element_header
from dicom_pipeline.headers.fallback import FallbackReason, FallbackRequired
from dicom_pipeline.headers.files.buffered_reader import BufferedReader
from dicom_pipeline.headers.possible_tags import is_certain
from dicom_pipeline.headers.run_layout import LONGEST, LONGEST_RUN, Element, Layout
from dicom_pipeline.headers.sequence_items import SequenceEnds
from dicom_pipeline.headers.structure.result import Encoding, Malformed
from dicom_pipeline.headers.structure.walk import PIXEL_DATA, StructureWalk
from dicom_pipeline.headers.value_cache import Decoder

LARGEST_VALUE = 1 << 20  # beyond this, pydicom decides about a wanted value
AMBIGUOUS = "US or SS"
PIXEL_REPRESENTATION = 0x00280103
_CACHED_ELEMENTS = 2048
_CACHED_LAYOUTS = 2048  # when the cache is full it is cleared and filled again


@dataclass(frozen=True, slots=True)
class ComplexElement:
    """Element that is not plain text: tag, VR, encoded header and value."""

    tag: int
    vr: str | None
    header: bytes
    value: bytes


class Walk:
    """Walk over data sets of one transfer syntax.

    Walks of one SOP class are faster, because their element layouts repeat.

    Parameters
    ----------
    wanted
        Index in the results and VR of each wanted attribute, by tag.
    special
        Index in the results of elements that are not plain text; the result is a `ComplexElement`.
    last
        The walk ends before the first tag beyond this one.
    pause
        The walk pauses after this tag.
    implicit
        Whether VRs are implicit.
    checks_end
        Whether the element at the end must be credible; see `structure`.
    """

    def __init__(
        self,
        wanted: Mapping[int, tuple[int, str]],
        special: Mapping[int, int],
        last: int,
        pause: int | None,
        *,
        implicit: bool,
        checks_end: bool = True,
    ) -> None:
        self._wanted = wanted
        self._special = special
        self._last = last
        self._pause = pause
        self._implicit = implicit
        self._checks_end = checks_end
        self._layouts: dict[bytes, Layout] = {}
        self._ends = SequenceEnds(implicit=implicit)
        self._cached_elements: dict[bytes, ComplexElement] = {}

    def advance(self, at: BufferedReader, decoder: Decoder, results: list[Any]) -> bool:
        """Continue the walk and store the texts of wanted values in the results.

        Parameters
        ----------
        at
            Current position; it is advanced.
        decoder
            Converts values to text.
        results
            List with an entry for each wanted attribute and each special element.

        Returns
        -------
        bool
            False at the end of the walk; True at a pause.

        Raises
        ------
        FallbackRequired
            pydicom must read the file.
        """
        run: list[Element] = []
        layout_of = self._layouts.get
        data, offset, tag = at.data, at.offset, at.tag
        while True:
            layout = layout_of(data[offset : offset + 8])
            if layout is not None and offset + layout.size <= len(data):
                headers = layout.cut_headers(data, offset)
                if headers != layout.headers:
                    layout = self._common(layout, headers)
                if layout is not None:
                    if run:
                        self._cache_layout(run)
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
            if layout is not None and offset and at.ensure(layout.size) >= layout.size:
                data, offset = at.data, at.offset
                continue
            more = self._take(at, run, decoder, results)
            data, offset, tag = at.data, at.offset, at.tag
            if not more or tag == self._pause:
                self._cache_layout(run)
                return more

    def _common(self, layout: Layout, headers: tuple[bytes, ...]) -> Layout | None:
        """Return the part of a layout that matches these headers, and cache it instead."""
        shorter = layout.common(headers)
        if shorter is not None:
            self._layouts[headers[0][:8]] = shorter
        return shorter

    def _cache_layout(self, run: list[Element]) -> None:
        if run:
            if len(self._layouts) >= _CACHED_LAYOUTS:
                self._layouts.clear()
            self._layouts[run[0].header[:8]] = Layout(run)
            run.clear()

    def _take(
        self, at: BufferedReader, run: list[Element], decoder: Decoder, results: list[Any]
    ) -> bool:
        """Take one element; returns False at the end of the walk."""
        if len(at.data) - at.offset < WIDEST and not at.ensure(WIDEST):
            return False
        try:
            tag, vr, width, length = element_header(
                at.data, at.offset, implicit=self._implicit, last=self._last
            )
            if tag > self._last:
                if not self._checks_end or tag in PIXEL_DATA:
                    return False
                # garbage read out of step usually has such a tag: go on to a certain one
                tag, vr, width, length = element_header(at.data, at.offset, implicit=self._implicit)
        except UnexpectedEnd:
            raise FallbackRequired(FallbackReason.ENDS_EARLY) from None
        if tag > self._last and is_certain(tag, vr):
            if length != UNDEFINED and width + length > at.left:
                raise FallbackRequired(FallbackReason.ENDS_EARLY)
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
                self._cache_layout(run)
            else:
                self._add(run, Element(at.data[at.offset : at.offset + width], tag, length))
            at.skip(whole)
            return True
        if length > LARGEST_VALUE:
            raise FallbackRequired(FallbackReason.LARGE)
        at.ensure(whole)
        header = at.data[at.offset : at.offset + width]
        value = at.data[at.offset + width : at.offset + whole]
        at.offset += whole
        cell, dictionary_vr = wanted
        chosen = dictionary_vr if vr is None or vr == "UN" else vr
        if chosen == AMBIGUOUS:
            self._cache_layout(run)
            results[cell] = ComplexElement(tag, vr, header, value)
            return True
        if chosen == "SQ" or (tag == PIXEL_REPRESENTATION and chosen != dictionary_vr):
            raise FallbackRequired(FallbackReason.VALUE_REPRESENTATION)
        results[cell] = decoder[chosen][value]
        if whole > LONGEST:
            self._cache_layout(run)
        else:
            self._add(run, Element(header, tag, length, cell, chosen))
        return True

    def _skip_large(self, at: BufferedReader, tag: int, vr: str | None, width: int) -> None:
        """Skip a sequence of undefined length by its delimiters, without building values."""
        walk = StructureWalk(at, Encoding(implicit=self._implicit), self._last, frozenset())
        try:
            recovered = walk.skip(tag, vr, width)
        except (Malformed, UnexpectedEnd):
            raise FallbackRequired(FallbackReason.SEQUENCE) from None
        if recovered:
            raise FallbackRequired(FallbackReason.SEQUENCE)

    def _take_complex(
        self,
        at: BufferedReader,
        run: list[Element],
        results: list[Any],
        element: tuple[int, str | None, int, int],
    ) -> None:
        """Take a sequence or a special element; add it to the run if it was seen before."""
        tag, vr, width, length = element
        slot = self._special.get(tag)
        if length == UNDEFINED:
            found = self._ends.length(at, width, tag, vr)
            if found is None:
                if slot is not None:
                    raise FallbackRequired(FallbackReason.LARGE)
                self._cache_layout(run)
                self._skip_large(at, tag, vr, width)
                return
            length = found
        whole = width + length
        if whole > at.left:
            raise FallbackRequired(FallbackReason.ENDS_EARLY)
        if slot is None and whole > LONGEST:
            self._cache_layout(run)
            at.skip(whole)
            return
        if length > LARGEST_VALUE:
            raise FallbackRequired(FallbackReason.LARGE)
        at.ensure(whole)
        data, offset = at.data, at.offset
        at.offset += whole
        encoded = data[offset : offset + whole]
        cached = self._cached_elements.get(encoded)
        special = cached or ComplexElement(tag, vr, encoded[:width], encoded[width:])
        if slot is not None:
            results[slot] = special
        if cached is not None and tag != self._pause:
            constant = None if slot is None else special
            cell = -1 if slot is None else slot
            self._add(run, Element(encoded, tag, 0, cell, None, constant))
            return
        self._cache_layout(run)
        if whole <= LONGEST:
            if len(self._cached_elements) >= _CACHED_ELEMENTS:
                self._cached_elements.clear()
            self._cached_elements[encoded] = special

    def _add(self, run: list[Element], element: Element) -> None:
        run.append(element)
        if len(run) >= LONGEST_RUN:
            self._cache_layout(run)
