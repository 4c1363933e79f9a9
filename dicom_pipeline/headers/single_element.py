"""Values of single elements that are not plain text: sequences and character sets.

Belongs here: reading such an element as `PydicomReader` does, with a cache.
Does not belong here: elements whose value is plain text (element_walk, value_cache).

Regular sequences are parsed here (sequence_items) and read with the code of `PydicomReader`. For
other sequences and for character sets, a file with this one element is built in memory and given
to `PydicomReader`. Headers of a series share most of these elements, so this is rare.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from struct import pack
from typing import cast

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.headers.element_walk import PIXEL_REPRESENTATION, ComplexElement
from dicom_pipeline.headers.fallback import FallbackReason, FallbackRequired
from dicom_pipeline.headers.pydicom_reader import PydicomReader, Values, order_of
from dicom_pipeline.headers.reader import FileRejected
from dicom_pipeline.headers.sequence_items import Item, Nested, items_of

_SPECIFIC_CHARACTER_SET = 0x00080005
_SOP_INSTANCE_UID = 0x00080018
_CACHED = 1024
_LONGEST_CACHED = 16_384  # bytes
_UNDEFINED = b"\xff\xff\xff\xff"


@dataclass(frozen=True)
class SingleElement:
    """Values of one element.

    Attributes
    ----------
    values
        Index in the results and text of each wanted value.
    unreadable
        Number of wanted values that could not be converted to text.
    """

    values: tuple[tuple[int, str | None], ...]
    unreadable: int


class _MemoryFile(OpenFile):
    """Open file in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]

    def close(self) -> None:
        pass


class SingleElementReader:
    """Reader of single elements, with the results of `PydicomReader`.

    Parameters
    ----------
    attribute_paths
        All wanted attributes of headers.

    Attributes
    ----------
    tags
        Tags of the elements that this class reads.
    """

    def __init__(self, attribute_paths: Sequence[AttributePath]) -> None:
        cells: dict[int, list[int]] = {}
        for cell, attribute_path in enumerate(attribute_paths):
            if (
                attribute_path.steps
                or attribute_path.vr == "SQ"
                or attribute_path.tag == _SPECIFIC_CHARACTER_SET
            ):
                cells.setdefault(attribute_path.first_tag, []).append(cell)
        cells.setdefault(_SPECIFIC_CHARACTER_SET, [])
        self.tags = frozenset(cells)
        self._cells = cells
        # a reader stops after its last wanted element: it must not stop before the real one
        last = max(attribute_paths, key=lambda attribute_path: attribute_path.first_tag)
        self._attribute_paths = {
            tag: [attribute_paths[cell] for cell in own] for tag, own in cells.items()
        }
        self._readers = {
            tag: PydicomReader(own if last in own else [*own, last])
            for tag, own in self._attribute_paths.items()
        }
        self._orders = {tag: order_of(own) for tag, own in self._attribute_paths.items()}
        self._cached_read = lru_cache(_CACHED)(self._read)

    def values(
        self,
        special: ComplexElement,
        character_set: ComplexElement | None,
        *,
        implicit: bool,
        signed: bool,
    ) -> SingleElement:
        """Return the values of one element.

        Parameters
        ----------
        special
            The element.
        character_set
            Specific Character Set (0008,0005) of the data set.
        implicit, signed
            Whether VRs are implicit, and whether Pixel Representation (0028,0103) is 1.

        Raises
        ------
        FallbackRequired
            pydicom rejects the element, so it must read the whole file.
        """
        read = self._cached_read if len(special.value) <= _LONGEST_CACHED else self._read
        return read(special, character_set, implicit, signed)

    def _read(
        self,
        special: ComplexElement,
        character_set: ComplexElement | None,
        implicit: bool,
        signed: bool,
    ) -> SingleElement:
        if special.tag != _SPECIFIC_CHARACTER_SET:
            if special.vr not in (None, "SQ"):
                raise FallbackRequired(FallbackReason.VALUE_REPRESENTATION)
            with suppress(FallbackRequired):
                return self._read_items(special, character_set, implicit, signed)
        return self._read_file(special, character_set, implicit, signed)

    def _read_items(
        self,
        special: ComplexElement,
        character_set: ComplexElement | None,
        implicit: bool,
        signed: bool,
    ) -> SingleElement:
        undefined = special.header.endswith(_UNDEFINED)
        items = items_of(special.value, undefined=undefined, implicit=implicit)
        data_set = Item({special.tag: Nested(items)})
        for tag, value in (
            (_SPECIFIC_CHARACTER_SET, character_set.value if character_set else None),
            (PIXEL_REPRESENTATION, bytes([signed, 0])),
        ):
            if value is not None:
                data_set[tag] = RawDataElement(
                    BaseTag(tag),
                    None,
                    len(value),
                    value,
                    0,
                    implicit,
                    True,
                )
        values = Values(cast(Dataset, data_set))
        cells = self._cells[special.tag]
        texts = values.texts(self._attribute_paths[special.tag], self._orders[special.tag])
        return SingleElement(tuple(zip(cells, texts, strict=True)), values.unreadable)

    def _read_file(
        self,
        special: ComplexElement,
        character_set: ComplexElement | None,
        implicit: bool,
        signed: bool,
    ) -> SingleElement:
        elements = {
            _SOP_INSTANCE_UID: _encoded(_SOP_INSTANCE_UID, "UI", b"1.2\0", implicit),
            PIXEL_REPRESENTATION: _encoded(
                PIXEL_REPRESENTATION, "US", bytes([signed, 0]), implicit
            ),
        }
        for element in (character_set, special):
            if element is not None:
                elements[element.tag] = element.header + element.value
        syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        meta = _encoded(0x00020010, "UI", syntax.encode() + b"\0" * (len(syntax) % 2), False)
        length = _encoded(0x00020000, "UL", pack("<L", len(meta)), False)
        body = b"".join(elements[tag] for tag in sorted(elements))
        file = _MemoryFile(bytes(128) + b"DICM" + length + meta + body)
        try:
            header = self._readers[special.tag].read(file)
        except FileRejected:
            raise FallbackRequired(FallbackReason.SEQUENCE) from None
        if header.recovered_elements:
            raise FallbackRequired(FallbackReason.SEQUENCE)
        cells = self._cells[special.tag]
        return SingleElement(
            tuple(zip(cells, header.values[: len(cells)], strict=True)), header.unreadable_values
        )


def _encoded(tag: int, vr: str, value: bytes, implicit: bool) -> bytes:
    group, element = tag >> 16, tag & 0xFFFF
    if implicit:
        return pack("<HHL", group, element, len(value)) + value
    return pack("<HH2sH", group, element, vr.encode(), len(value)) + value
