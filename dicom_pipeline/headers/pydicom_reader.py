"""Header reader based on pydicom: slow, and the reference for the other readers.

Belongs here: parsing a header with pydicom, and detecting truncated headers.
Does not belong here: conversion of values to text (values), and the selection of attributes
(mapping).
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from typing import cast

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_partial
from pydicom.tag import BaseTag
from pydicom.uid import UID, AllTransferSyntaxes
from pydicom.valuerep import STANDARD_VR

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.headers.deflate import InflatedFile
from dicom_pipeline.headers.reader import FileRejected, Header, RejectReason
from dicom_pipeline.headers.sequence_json import sequence_json
from dicom_pipeline.headers.values import encodings_of, text_of

BLOCK = 8192
LARGEST_BLOCK = 1 << 20
LARGEST_VALUE = 1 << 20  # a larger wanted value is not read; it counts as unreadable
UNDEFINED = 0xFFFFFFFF

_SPECIFIC_CHARACTER_SET = 0x00080005
_SOP_CLASS_UID = 0x00080016
_SOP_INSTANCE_UID = 0x00080018
_PIXEL_REPRESENTATION = 0x00280103
_MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
# JPIP Referenced Deflate, JPIP HTJ2K Referenced Deflate (PS3.5 annexes A.7 and A.11)
DEFLATED_BY_REFERENCE = frozenset({"1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})
# possible results of reading an unsupported transfer syntax as if it were supported
_SYNTAX_RELATED = (
    RejectReason.TRUNCATED,
    RejectReason.DECODE_ERROR,
    RejectReason.NO_SOP_INSTANCE_UID,
)


class _Deflated(Exception):
    """pydicom asked for the rest of the file, which it does only for deflated data sets."""


class HeaderStream(io.RawIOBase):
    """Raw stream over an `OpenFile` that reads ranges as needed.

    Attributes
    ----------
    cut_short
        Whether a read was cut off by the end of the file, or a seek went past it.
    failure
        Error raised by the storage. It is kept because pydicom itself raises `OSError` for broken
        sequences.
    """

    def __init__(self, file: OpenFile) -> None:
        super().__init__()
        self._file = file
        self._position = 0
        self._buffer = b""
        self._start = 0
        self._block = BLOCK
        self.cut_short = False
        self.failure: OSError | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in the file."""
        return self._position

    @property
    def left(self) -> int:
        """Number of bytes from the position to the end of the file."""
        return max(self._file.size - self._position, 0)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Change the position; a position past the end means that the file is truncated."""
        base = (0, self._position, self._file.size)[whence]
        self._position = max(base + offset, 0)
        if self._position > self._file.size:
            self.cut_short = True
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Read from the current position; never the whole rest, which may be very large."""
        if size is None or size < 0:
            raise _Deflated
        left, wanted = self.left, size
        if wanted > left:
            # an element header (8 bytes) or a peek (1 byte) that finds nothing, or zeros, is a
            # regular end of file
            ending = self.read_at(self._position, left) if wanted in (8, 1) else b"?"
            if ending.strip(b"\0"):
                self.cut_short = True
            wanted = left
        offset = self._position - self._start
        if offset < 0 or offset + wanted > len(self._buffer):
            self._fill(wanted)
            offset = self._position - self._start
        data = self._buffer[offset : offset + wanted]
        self._position += len(data)
        if len(data) < wanted:  # the deflated data is corrupt, or the file was just truncated
            self.cut_short = True
            raise EOFError
        return data

    def _fill(self, wanted: int) -> None:
        end = self._start + len(self._buffer)
        if self._start <= self._position <= end:
            kept = self._buffer[self._position - self._start :]
        else:
            kept, end = b"", self._position
        self._start = self._position
        self._buffer = kept + self.read_at(end, max(wanted - len(kept), self._block))
        self._block = min(max(self._start + len(self._buffer), BLOCK), LARGEST_BLOCK)

    def read_at(self, offset: int, length: int) -> bytes:
        """Read a range of the file; keep an error of the storage in ``failure``."""
        try:
            return self._file.read_at(offset, length)
        except OSError as error:
            self.failure = error
            raise


class _Stop:
    """Stop condition: the first element after the last wanted one.

    If it was reached, the header is complete, whatever happened in the reads before.
    """

    def __init__(self, last: int) -> None:
        self.last = last
        self.reached = False

    def __call__(self, tag: BaseTag, vr: str | None, length: int) -> bool:
        self.reached = self.reached or tag > self.last
        return self.reached


class PydicomReader:
    """Reads headers with ``pydicom.filereader.read_partial``.

    If an element occurs twice, its last value is used, as in pydicom.

    Parameters
    ----------
    attribute_paths
        The wanted attributes; `Header.values` has the same order.
    """

    name = "pydicom"

    def __init__(self, attribute_paths: Sequence[AttributePath]) -> None:
        self.attribute_paths = tuple(attribute_paths)
        self._order = order_of(self.attribute_paths)
        self._last = max(attribute_path.first_tag for attribute_path in self.attribute_paths)

    def read(self, file: OpenFile) -> Header:
        """Read one header; see `HeaderReader.read`."""
        stream = HeaderStream(file)
        try:
            return self._read(stream)
        except FileRejected as rejected:
            if rejected.reason in _SYNTAX_RELATED and _has_unsupported_syntax(stream):
                raise FileRejected(RejectReason.UNSUPPORTED_TRANSFER_SYNTAX) from None
            raise

    def _read(self, stream: HeaderStream) -> Header:
        stop = _Stop(self._last)
        dataset = self._parse(stream, stop)
        meta = dataset.file_meta
        if _uid(meta, "MediaStorageSOPClassUID") == _MEDIA_STORAGE_DIRECTORY:
            raise FileRejected(RejectReason.DICOMDIR)
        if not stop.reached and (stream.cut_short or _has_short_value(dataset)):
            raise FileRejected(RejectReason.TRUNCATED)
        values = Values(dataset)
        texts = values.read(self.attribute_paths, self._order)
        return Header(texts, _uid(meta, "TransferSyntaxUID"), values.unreadable, self.name)

    def _parse(self, stream: HeaderStream, stop: _Stop) -> FileDataset:
        try:
            try:
                return _partial(stream, stop)
            except InvalidDicomError:
                return self._parse_without_preamble(stream, stop)
        except (FileRejected, MemoryError):
            raise
        except EOFError:
            raise FileRejected(RejectReason.TRUNCATED) from None
        except Exception as error:  # noqa: BLE001 - pydicom raises nearly anything on broken headers
            if stream.failure:
                raise stream.failure from None
            # pydicom raises OSError if the file ends in a sequence, between two elements
            ended = isinstance(error, OSError) and not stream.left
            reason = (
                RejectReason.TRUNCATED if stream.cut_short or ended else RejectReason.DECODE_ERROR
            )
            raise FileRejected(reason) from None  # the cause may quote a value

    def _parse_without_preamble(self, stream: HeaderStream, stop: _Stop) -> FileDataset:
        """Parse a file without preamble (PS3.10 section 7.1).

        Such files exist. A file counts as DICOM only if it has valid UIDs, because with ``force``
        pydicom parses any file.
        """
        stream.seek(0)
        stream.cut_short = False
        try:
            dataset = _partial(stream, stop, force=True)
            uids = [str(dataset.get(tag).value) for tag in (_SOP_CLASS_UID, _SOP_INSTANCE_UID)]
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001
            if stream.failure:
                raise stream.failure from None
            raise FileRejected(RejectReason.NOT_DICOM) from None
        if not all(uid and UID(uid).is_valid for uid in uids):
            raise FileRejected(RejectReason.NOT_DICOM)
        return dataset


def _partial(stream: HeaderStream, stop: _Stop, *, force: bool = False) -> FileDataset:
    """Parse the elements up to the last wanted one."""
    binary = cast(io.BytesIO, stream)
    try:
        return read_partial(binary, stop_when=stop, defer_size=LARGEST_VALUE, force=force)
    except _Deflated:
        start = stream.tell()
    stream.seek(0)
    meta = read_partial(io.BytesIO(stream.read(start)), force=force).file_meta
    inside = HeaderStream(InflatedFile(stream.read_at, start))
    try:
        body = read_dataset(
            cast(io.BytesIO, inside), False, True, stop_when=stop, defer_size=LARGEST_VALUE
        )
    finally:
        stream.cut_short = stream.cut_short or inside.cut_short
    return FileDataset(
        cast(io.BytesIO, inside), body, file_meta=meta, is_implicit_VR=False, is_little_endian=True
    )


def _uid(meta: FileMetaDataset, keyword: str) -> str | None:
    try:
        return str(meta.get(keyword) or "") or None
    except Exception:  # noqa: BLE001 - a broken element of the file meta information
        return None


def _has_unsupported_syntax(stream: HeaderStream) -> bool:
    """Whether the file declares a transfer syntax that pydicom would take for another one."""
    stream.seek(0)
    stream.cut_short = False
    try:
        meta = read_partial(
            cast(io.BytesIO, stream), stop_when=lambda tag, vr, length: True
        ).file_meta
        syntax = _uid(meta, "TransferSyntaxUID")
    except Exception:  # noqa: BLE001 - then the first reason applies
        return False
    known = {str(uid) for uid in AllTransferSyntaxes} - DEFLATED_BY_REFERENCE
    return not stream.cut_short and bool(syntax) and syntax not in known


def _has_short_value(dataset: Dataset) -> bool:
    """Whether an element has fewer bytes than it declares, which pydicom accepts."""
    return any(
        isinstance(element, RawDataElement)
        and element.value is not None
        and element.length != UNDEFINED
        and len(element.value) < element.length
        for element in dataset._dict.values()
    )


class Values:
    """Wanted values of one parsed header, or of a part of one.

    Attributes
    ----------
    unreadable
        Number of wanted values that could not be converted to text.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.unreadable = 0
        self.encodings = _encodings(dataset)
        signed = self._element(dataset, _PIXEL_REPRESENTATION)
        self.signed = isinstance(signed, RawDataElement) and signed.value in (b"\1\0", b"\0\1")

    def read(
        self, attribute_paths: Sequence[AttributePath], order: Sequence[tuple[int, BaseTag]]
    ) -> list[str | None]:
        """Return the texts of a whole header, in the order of ``attribute_paths``.

        Parameters
        ----------
        attribute_paths
            The wanted attributes.
        order
            Result of `order_of` for them.

        Raises
        ------
        FileRejected
            The header has no SOP Instance UID.
        """
        sop_instance_uid = self._text(AttributePath((), _SOP_INSTANCE_UID, "UI"))
        if not sop_instance_uid:
            raise FileRejected(RejectReason.NO_SOP_INSTANCE_UID)
        return self.texts(attribute_paths, order)

    def texts(
        self,
        attribute_paths: Sequence[AttributePath],
        order: Sequence[tuple[int, BaseTag]],
    ) -> list[str | None]:
        """Return the texts of some attributes; parameters as for `read`."""
        texts: list[str | None] = [None] * len(attribute_paths)
        present = self.dataset.keys()  # most wanted attributes are absent from most headers
        for index, first_tag in order:
            if first_tag in present:
                texts[index] = self._text(attribute_paths[index])
        return texts

    def _text(self, attribute_path: AttributePath) -> str | None:
        try:
            dataset: Dataset = self.dataset
            encodings = self.encodings
            for tag, index in attribute_path.steps:
                if tag not in dataset or len(items := dataset[tag].value or []) <= index:
                    return None
                dataset = items[index]
                if _SPECIFIC_CHARACTER_SET in dataset:  # an item may have its own
                    encodings = _encodings(dataset)
            element = self._element(dataset, attribute_path.tag)
            if element is None:
                return None
            return self._element_text(dataset, element, attribute_path, encodings)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - one broken value must not cost the file its row
            self.unreadable += 1
            return None

    @staticmethod
    def _element(dataset: Dataset, tag: int) -> DataElement | RawDataElement | None:
        if tag not in dataset:
            return None
        return dataset.get_item(BaseTag(tag), keep_deferred=True)

    def _element_text(
        self,
        dataset: Dataset,
        element: DataElement | RawDataElement,
        attribute_path: AttributePath,
        encodings: Sequence[str],
    ) -> str | None:
        vr = self._vr(element, attribute_path)
        if vr == "SQ":
            return sequence_json(dataset[attribute_path.tag], encodings, signed=self.signed)
        if not isinstance(element, RawDataElement):
            return _converted_text(element)
        if element.value is None and element.length:
            raise ValueError("the value is too large for a header")
        little = element.is_little_endian
        return text_of(vr, element.value or b"", encodings, little_endian=little)

    def _vr(self, element: DataElement | RawDataElement, attribute_path: AttributePath) -> str:
        vr = element.VR
        if vr is None or vr == "UN" or vr not in _VRS:
            vr = attribute_path.vr
        if vr == "US or SS":
            vr = "SS" if self.signed else "US"
        return str(vr)


def order_of(attribute_paths: Sequence[AttributePath]) -> list[tuple[int, BaseTag]]:
    """Return index and first tag of each attribute path, in the order in which to read them.

    pydicom converts elements in place when a sequence is written as JSON, or when it parses an
    item that depends on other elements. So plain elements, which need the raw bytes, come first.
    """
    order = sorted(range(len(attribute_paths)), key=lambda i: _priority(attribute_paths[i]))
    return [(i, BaseTag(attribute_paths[i].first_tag)) for i in order]


def _priority(attribute_path: AttributePath) -> int:
    """Return 0 for a plain element, 1 for one in an item, 2 for a sequence as JSON."""
    return 2 if attribute_path.vr == "SQ" else 1 if attribute_path.steps else 0


def _converted_text(element: DataElement) -> str | None:
    """Return the text of an element that pydicom has converted, such as Specific Character Set."""
    value = element.value
    values = [value] if isinstance(value, str) or not isinstance(value, Sequence) else value
    texts = ["" if v is None else str(v).strip(" \0") for v in values]
    return unicodedata.normalize("NFC", "\\".join(texts)) if any(texts) else None


def _encodings(dataset: Dataset) -> tuple[str, ...]:
    charset = dataset.get_item(_SPECIFIC_CHARACTER_SET, keep_deferred=True)
    value = charset.value if charset is not None else None
    if isinstance(charset, DataElement) and value:  # pydicom has converted it already
        value = "\\".join([value] if isinstance(value, str) else value).encode("ascii", "replace")
    try:
        return encodings_of(value if isinstance(value, bytes) else None)
    except Exception:  # noqa: BLE001 - an unknown character set: the default one
        return encodings_of(None)


_VRS = frozenset(str(vr) for vr in STANDARD_VR)
