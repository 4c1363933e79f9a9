"""Items of sequences in little-endian bytes.

Belongs here: items and delimiters (PS3.5 section 7.5), and what a sequence holds.
Does not belong here: what becomes of it (sequences), and which sequences are wanted (walk).
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from dicom_pipeline.headers.buffered_reader import BufferedReader
from dicom_pipeline.headers.element_header import UNDEFINED, UnexpectedEnd, element_header
from dicom_pipeline.headers.fallback import FallbackReason, FallbackRequired

LARGEST = 1 << 20  # a sequence beyond this is not looked through

_length = Struct("<L").unpack_from
_ITEM = b"\xfe\xff\x00\xe0"
_ITEM_END = b"\xfe\xff\x0d\xe0\0\0\0\0"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
_SPECIFIC_CHARACTER_SET = 0x00080005
_DEEPEST = 16
_REMEMBERED = 1024
_LONGEST_REMEMBERED = 16_384


class Nested(NamedTuple):
    """A sequence: what of pydicom's ``DataElement`` others use."""

    value: list[Item]
    VR: str = "SQ"


class Item(dict[int, RawDataElement | Nested]):
    """An item: what of pydicom's ``Dataset`` others use."""

    original_character_set = None  # that of the data set around it

    def get_item(self, tag: int, *, keep_deferred: bool) -> RawDataElement | Nested | None:
        """The element as it was read, or None."""
        return self.get(tag) if keep_deferred else None


@lru_cache(_REMEMBERED)
def _is_sequence_by_dictionary(tag: int) -> bool | None:
    """None for what is private, or of another edition: such is a sequence if it has an item."""
    try:
        return bool(dictionary_VR(tag) == "SQ")
    except KeyError:
        return None


def items_of(value: bytes, *, undefined: bool, implicit: bool) -> list[Item]:
    """Items of a sequence, and of those in it.

    Parameters
    ----------
    value
        The sequence's value; if its length is undefined, with its delimiter.
    undefined, implicit
        Whether its length is undefined, and VRs implicit.

    Raises
    ------
    FallbackRequired
        It is not plain: broken, with a character set of its own, or with tags out of order.
    """
    try:
        return _items(value, 0, None if undefined else len(value), implicit, 0)[0]
    except UnexpectedEnd:
        raise FallbackRequired(FallbackReason.SEQUENCE) from None


def _items(
    data: bytes, offset: int, end: int | None, implicit: bool, depth: int
) -> tuple[list[Item], int]:
    """Items of a sequence, and where it ends."""
    if depth > _DEEPEST:
        raise FallbackRequired(FallbackReason.SEQUENCE)
    found: list[Item] = []
    while offset != end:
        if len(data) < offset + 8:
            raise UnexpectedEnd
        if data[offset : offset + 8] == _SEQUENCE_END and end is None:
            return found, offset + 8
        if data[offset : offset + 4] != _ITEM:
            raise FallbackRequired(FallbackReason.SEQUENCE)
        (length,) = _length(data, offset + 4)
        offset += 8
        last = None if length == UNDEFINED else offset + length
        item, offset = _elements(data, offset, last, implicit, depth)
        if end is not None and offset > end:
            raise FallbackRequired(FallbackReason.SEQUENCE)
        found.append(item)
    return found, offset


def _elements(
    data: bytes, offset: int, end: int | None, implicit: bool, depth: int
) -> tuple[Item, int]:
    """An item's elements, and where it ends."""
    item = Item()
    previous = -1
    while offset != end:
        if data[offset : offset + 8] == _ITEM_END and end is None:
            return item, offset + 8
        tag, vr, width, length = element_header(data, offset, implicit=implicit)
        if tag <= previous or tag == _SPECIFIC_CHARACTER_SET:
            raise FallbackRequired(FallbackReason.SEQUENCE)
        previous = tag
        begin = offset + width
        known = _is_sequence_by_dictionary(tag)
        if vr:
            if known and vr != "SQ":
                raise FallbackRequired(FallbackReason.VALUE_REPRESENTATION)
            known = vr == "SQ"
        if known or length == UNDEFINED:
            if known is False or (known is None and data[begin : begin + 4] != _ITEM):
                raise FallbackRequired(FallbackReason.UNDEFINED_LENGTH)
            last = None if length == UNDEFINED else begin + length
            nested, offset = _items(data, begin, last, implicit, depth + 1)
            item[BaseTag(tag)] = Nested(nested)
        else:
            offset = begin + length
            if len(data) < offset:
                raise UnexpectedEnd
            value = data[begin:offset]
            key = BaseTag(tag)
            item[key] = RawDataElement(key, vr, length, value, begin, implicit, True)
        if end is not None and offset > end:
            raise FallbackRequired(FallbackReason.SEQUENCE)
    return item, offset


class SequenceEnds:
    """Finds where sequences of undefined length end, and remembers those it has seen.

    Parameters
    ----------
    implicit
        Implicit VR.
    """

    def __init__(self, *, implicit: bool) -> None:
        self._implicit = implicit
        self._seen: set[bytes] = set()

    def length(self, at: BufferedReader, width: int, tag: int, vr: str | None) -> int:
        """Length of the value of a sequence, with its delimiter.

        Parameters
        ----------
        at
            Where the element begins; as much of the file is read as is needed.
        width, tag, vr
            What `element_header` gave for it.

        Raises
        ------
        FallbackRequired
            It is no sequence, or one that is not plain.
        """
        if at.have(width + 8) < width + 8:
            raise FallbackRequired(FallbackReason.ENDS_EARLY)
        begin = at.offset + width
        known = vr == "SQ" if vr else _is_sequence_by_dictionary(tag)
        if known is False or (known is None and at.data[begin : begin + 4] != _ITEM):
            raise FallbackRequired(FallbackReason.UNDEFINED_LENGTH)
        end = at.data.find(_SEQUENCE_END, begin) + 8
        if at.data[begin:end] in self._seen:
            return end - begin
        while True:
            begin = at.offset + width
            try:
                _, end = _items(at.data, begin, None, self._implicit, 0)
            except UnexpectedEnd:
                there = len(at.data) - at.offset
                if there > LARGEST:
                    raise FallbackRequired(FallbackReason.LARGE) from None
                if at.have(there + 1) <= there:
                    raise FallbackRequired(FallbackReason.ENDS_EARLY) from None
                continue
            if end - begin <= _LONGEST_REMEMBERED:
                if len(self._seen) >= _REMEMBERED:
                    self._seen.clear()
                self._seen.add(at.data[begin:end])
            return end - begin
