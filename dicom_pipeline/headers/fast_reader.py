"""Fast header reader: parses common files itself and falls back to pydicom for all others.

Belongs here: which files it reads itself, and when it falls back.
Does not belong here: the walk over elements (element_walk), and the text of values (values).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydicom.uid import (
    AllTransferSyntaxes,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.common.errors import UserError
from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.headers.data_set import DEFLATED_BY_REFERENCE
from dicom_pipeline.headers.element_walk import AMBIGUOUS, PIXEL_REPRESENTATION, Walk
from dicom_pipeline.headers.fallback import FallbackReason, FallbackRequired
from dicom_pipeline.headers.files.buffered_reader import BufferedReader
from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.headers.reader import Header
from dicom_pipeline.headers.single_element import SingleElementReader
from dicom_pipeline.headers.value_cache import Decoder, UidDecoder, Unreadable
from dicom_pipeline.headers.values import encodings_of

_SPECIFIC_CHARACTER_SET = 0x00080005
_SOP_INSTANCE_UID = 0x00080018
_MEDIA_STORAGE_SOP_CLASS_UID = 0x00020002
_TRANSFER_SYNTAX_UID = 0x00020010
_END_OF_FILE_META = 0x0002FFFF
_DIRECTORY = "1.2.840.10008.1.3.10"
_START = 132
# element header of File Meta Information Group Length, the first element (PS3.10 section 7.1)
_FIRST_HEADER = b"\x02\x00\x00\x00UL\x04\x00"
_COMMAND_GROUP = b"\0\0"

# all other little-endian transfer syntaxes have explicit VRs (PS3.5 annex A)
_IMPLICIT = str(ImplicitVRLittleEndian)
_READ = (
    frozenset(str(uid) for uid in AllTransferSyntaxes)
    - DEFLATED_BY_REFERENCE
    - {str(DeflatedExplicitVRLittleEndian), str(ExplicitVRBigEndian)}
)
# Pixel Representation 1 in either byte order, as in `PydicomReader`
_SIGNED = frozenset({"1", "256"})
_MOST_CHARACTER_SETS = 64
_MOST_WALKS = 256


class FastReader:
    """Reader of little-endian files that falls back to `PydicomReader`.

    The results are those of `PydicomReader`, with one exception: `PydicomReader` may reject a file
    because of a broken element that is not wanted, or that follows the last wanted one.

    Parameters
    ----------
    attribute_paths
        The wanted attributes without duplicates; `Header.values` has the same order.

    Raises
    ------
    ValueError
        An attribute path appears twice.
    """

    name = "fast"

    def __init__(self, attribute_paths: Sequence[AttributePath]) -> None:
        if len(set(attribute_paths)) < len(attribute_paths):
            raise ValueError("an attribute path appears twice")
        self._pydicom = PydicomReader(attribute_paths)
        self._single_elements = SingleElementReader(attribute_paths)
        self._unreadable = Unreadable()
        self._count = len(attribute_paths)
        self._wanted = {
            attribute_path.tag: (cell, attribute_path.vr)
            for cell, attribute_path in enumerate(attribute_paths)
            if attribute_path.first_tag not in self._single_elements.tags
        }
        self._ambiguous = [
            cell
            for cell, attribute_path in enumerate(attribute_paths)
            if attribute_path.vr == AMBIGUOUS
        ]
        # read always, even if not wanted
        self._sop_instance_uid = self._cell(_SOP_INSTANCE_UID, "UI")
        self._pixel_representation = self._cell(PIXEL_REPRESENTATION, "US")
        self._special = {tag: self._count + i for i, tag in enumerate(self._single_elements.tags)}
        self._character_set = self._special[_SPECIFIC_CHARACTER_SET]
        self._last = max(attribute_path.first_tag for attribute_path in attribute_paths)
        self._uid_decoder = UidDecoder((), self._unreadable)
        self._file_meta = Walk(
            {_MEDIA_STORAGE_SOP_CLASS_UID: (0, "UI"), _TRANSFER_SYNTAX_UID: (1, "UI")},
            {},
            _END_OF_FILE_META,
            None,
            implicit=False,
            checks_end=False,  # the data set may have another encoding
        )
        self._decoders: dict[bytes | None, Decoder] = {}
        self._walks: dict[tuple[bool, str | None], Walk] = {}

    def _cell(self, tag: int, vr: str) -> int:
        if tag not in self._wanted:
            self._wanted[tag] = (self._count, vr)
            self._count += 1
        return self._wanted[tag][0]

    def read(self, file: OpenFile) -> Header:
        """Read one header; see `HeaderReader.read`."""
        try:
            return self._read(file)
        except FallbackRequired as fallback:
            reason = fallback.reason
        except (OSError, MemoryError, UserError):
            raise
        except Exception:  # noqa: BLE001 - a bug of this reader must not cost the file its row
            reason = FallbackReason.ERROR
        header = self._pydicom.read(file)
        header.reader = f"{header.reader}: {reason}"
        return header

    def _read(self, file: OpenFile) -> Header:
        self._unreadable.count = 0
        at = BufferedReader(file)
        sop_class, syntax = self._read_file_meta(at)
        implicit = syntax == _IMPLICIT
        results: list[Any] = [None] * (self._count + len(self._special))
        walk = self._walk(implicit, sop_class)
        decoder = self._decoder(None)
        if walk.advance(at, decoder, results):  # paused after Specific Character Set
            decoder = self._decoder(results[self._character_set].value)
            walk.advance(at, decoder, results)
        signed = results[self._pixel_representation] in _SIGNED
        for special in results[self._count :]:
            if special is not None:
                found = self._single_elements.values(
                    special, results[self._character_set], implicit=implicit, signed=signed
                )
                for cell, text in found.values:
                    results[cell] = text
                self._unreadable.count += found.unreadable
        for cell in self._ambiguous:
            if (special := results[cell]) is not None and not isinstance(special, str):
                results[cell] = decoder["SS" if signed else "US"][special.value]
        if not results[self._sop_instance_uid]:
            raise FallbackRequired(FallbackReason.NO_SOP_INSTANCE_UID)
        del results[len(self._pydicom.attribute_paths) :]
        return Header(results, syntax, self._unreadable.count, self.name)

    def _read_file_meta(self, at: BufferedReader) -> tuple[str | None, str]:
        """Read the file meta information; the position is then at the data set."""
        if at.data[128:132] != b"DICM":
            raise FallbackRequired(FallbackReason.NO_PREAMBLE)
        if at.data[_START : _START + 8] != _FIRST_HEADER:
            raise FallbackRequired(FallbackReason.FILE_META)
        at.offset = _START
        found: list[Any] = [None, None]
        self._file_meta.advance(at, self._uid_decoder, found)
        sop_class, syntax = found
        if sop_class and _DIRECTORY in sop_class:
            raise FallbackRequired(FallbackReason.DICOMDIR)
        if syntax not in _READ:
            raise FallbackRequired(FallbackReason.TRANSFER_SYNTAX)
        at.ensure(8)
        header = at.data[at.offset : at.offset + 6]
        if header[:2] == _COMMAND_GROUP:
            raise FallbackRequired(FallbackReason.FILE_META)
        if syntax == _IMPLICIT and header[4:].isalpha() and header[4:].isupper():
            raise FallbackRequired(FallbackReason.VALUE_REPRESENTATION)
        return sop_class, syntax

    def _walk(self, implicit: bool, sop_class: str | None) -> Walk:
        key = (implicit, sop_class)
        if key not in self._walks:
            if len(self._walks) >= _MOST_WALKS:
                self._walks.clear()
            self._walks[key] = Walk(
                self._wanted,
                self._special,
                self._last,
                _SPECIFIC_CHARACTER_SET,
                implicit=implicit,
            )
        return self._walks[key]

    def _decoder(self, character_set: bytes | None) -> Decoder:
        if character_set not in self._decoders:
            if len(self._decoders) >= _MOST_CHARACTER_SETS:
                self._decoders.clear()
            try:
                encodings = encodings_of(character_set)
            except Exception:  # noqa: BLE001 - pydicom raises nearly anything for an unknown one
                raise FallbackRequired(FallbackReason.CHARACTER_SET) from None
            self._decoders[character_set] = Decoder(encodings, self._unreadable)
        return self._decoders[character_set]
