"""Items of sequences in little-endian bytes.

Belongs here: items and delimiters (PS3.5 section 7.5), and the content of a sequence.
Does not belong here: sequences as JSON (sequence_json), and the selection of sequences
(element_walk).
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from dicom_pipeline.headers.element_header import UNDEFINED, UnexpectedEnd, element_header
from dicom_pipeline.headers.fallback import FallbackReason, FallbackRequired
from dicom_pipeline.headers.files.buffered_reader import BufferedReader
from dicom_pipeline.headers.possible_tags import vr_by_dictionary

LARGEST = 1 << 20  # bytes; a larger sequence is not searched for its end

_length = Struct("<L").unpack_from
_ITEM = b"\xfe\xff\x00\xe0"
_ITEM_END = b"\xfe\xff\x0d\xe0\0\0\0\0"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
_SPECIFIC_CHARACTER_SET = 0x00080005
_DEEPEST = 16
_CACHED = 1024
_LONGEST_CACHED = 16_384


class Nested(NamedTuple):
    """A sequence, with the part of the interface of pydicom's ``DataElement`` that is used."""

    value: list[Item]
    VR: str = "SQ"


class Item(dict[int, RawDataElement | Nested]):
    """An item, with the part of the interface of pydicom's ``Dataset`` that is used."""

    original_character_set = None  # None: that of the enclosing data set

    def get_item(self, tag: int, *, keep_deferred: bool) -> RawDataElement | Nested | None:
        """Return the element as read, or None."""
        return self.get(tag) if keep_deferred else None


def _is_sequence_by_dictionary(tag: int) -> bool | None:
    """Whether a tag is a sequence; None for a private tag or one of another edition.

    An element with such a tag is a sequence if its value starts with an item.
    """
    vr = vr_by_dictionary(tag)
    return None if vr is None else vr == "SQ"


def items_of(value: bytes, *, undefined: bool, implicit: bool) -> list[Item]:
    """Parse the items of a sequence, including nested sequences.

    Parameters
    ----------
    value
        Value of the sequence; with the delimiter if the length is undefined.
    undefined, implicit
        Whether the length is undefined, and whether VRs are implicit.

    Raises
    ------
    FallbackRequired
        The sequence is broken, has an own character set, or has tags out of order.
    """
    try:
        return _items(value, 0, None if undefined else len(value), implicit, 0)[0]
    except UnexpectedEnd:
        raise FallbackRequired(FallbackReason.SEQUENCE) from None


def _items(
    data: bytes, offset: int, end: int | None, implicit: bool, depth: int
) -> tuple[list[Item], int]:
    """Return the items of a sequence, and the offset of its end."""
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
    """Return the elements of an item, and the offset of its end."""
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
        is_sequence = _is_sequence_by_dictionary(tag)
        if vr:
            if is_sequence and vr != "SQ":
                raise FallbackRequired(FallbackReason.VALUE_REPRESENTATION)
            is_sequence = vr == "SQ"
        if is_sequence or length == UNDEFINED:
            if is_sequence is False or (is_sequence is None and data[begin : begin + 4] != _ITEM):
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
    """Finds the ends of sequences of undefined length, with a cache of known sequences.

    Parameters
    ----------
    implicit
        Whether VRs are implicit.
    """

    def __init__(self, *, implicit: bool) -> None:
        self._implicit = implicit
        self._cached: set[bytes] = set()

    def length(self, at: BufferedReader, width: int, tag: int, vr: str | None) -> int | None:
        """Return the length of the value of a sequence in bytes, including its delimiter.

        The result is None for a sequence of more than `LARGEST` bytes.

        Parameters
        ----------
        at
            Position of the element; the file is read as needed.
        width, tag, vr
            Size of the element's header, tag and VR from `element_header`.

        Raises
        ------
        FallbackRequired
            The element is not a sequence, or `items_of` cannot parse it.
        """
        if at.ensure(width + 8) < width + 8:
            raise FallbackRequired(FallbackReason.ENDS_EARLY)
        begin = at.offset + width
        is_sequence = vr == "SQ" if vr else _is_sequence_by_dictionary(tag)
        if is_sequence is False or (is_sequence is None and at.data[begin : begin + 4] != _ITEM):
            raise FallbackRequired(FallbackReason.UNDEFINED_LENGTH)
        end = at.data.find(_SEQUENCE_END, begin) + 8
        if at.data[begin:end] in self._cached:
            return end - begin
        while True:
            begin = at.offset + width
            try:
                _, end = _items(at.data, begin, None, self._implicit, 0)
            except UnexpectedEnd:
                available = len(at.data) - at.offset
                if available > LARGEST:
                    return None
                if at.ensure(available + 1) <= available:
                    raise FallbackRequired(FallbackReason.ENDS_EARLY) from None
                continue
            if end - begin <= _LONGEST_CACHED:
                if len(self._cached) >= _CACHED:
                    self._cached.clear()
                self._cached.add(at.data[begin:end])
            return end - begin
