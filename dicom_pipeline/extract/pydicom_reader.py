"""The header reader on pydicom: slow, and the one that others are held against.

Belongs here: parsing a header by pydicom, and telling a whole header from one that is not.
Does not belong here: the rules for text (values), and which attributes are wanted (attributes).
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Sequence
from typing import cast

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag
from pydicom.uid import UID, AllTransferSyntaxes
from pydicom.valuerep import STANDARD_VR

from dicom_pipeline.attributes import Reading
from dicom_pipeline.extract.reader import Header, Reason, Rejected
from dicom_pipeline.extract.values import encodings_of, text_of
from dicom_pipeline.landing.storage import OpenFile

BLOCK = 8192
LARGEST_BLOCK = 1 << 20
LARGEST_VALUE = 1 << 20  # a wanted value beyond this is not read, but counted as unreadable
UNDEFINED = 0xFFFFFFFF

_SPECIFIC_CHARACTER_SET = 0x00080005
_SOP_CLASS_UID = 0x00080016
_SOP_INSTANCE_UID = 0x00080018
_PIXEL_REPRESENTATION = 0x00280103
_MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"


class HeaderStream(io.RawIOBase):
    """A file as pydicom wants it, over ranges that are read as they are needed.

    Attributes
    ----------
    cut_off
        A read met the end of the file in the middle of what it wanted, or a seek passed it.
    """

    def __init__(self, file: OpenFile) -> None:
        super().__init__()
        self._file = file
        self._position = 0
        self._buffer = b""
        self._start = 0
        self._block = BLOCK
        self.cut_off = False

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Position in the file."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; a place past the end means that the file is cut off."""
        base = (0, self._position, self._file.size)[whence]
        self._position = max(base + offset, 0)
        if self._position > self._file.size:
            self.cut_off = True
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Read from the position on."""
        left = max(self._file.size - self._position, 0)
        wanted = left if size is None or size < 0 else size
        if wanted > left:
            # a header of 8 bytes or a peek of 1 that finds nothing, or zeros, is the regular end
            ending = self._file.read_at(self._position, left) if wanted in (8, 1) else b"?"
            if ending.strip(b"\0"):
                self.cut_off = True
            wanted = left
        offset = self._position - self._start
        if offset < 0 or offset + wanted > len(self._buffer):
            self._fill(wanted)
            offset = self._position - self._start
        data = self._buffer[offset : offset + wanted]
        self._position += len(data)
        return data

    def _fill(self, wanted: int) -> None:
        end = self._start + len(self._buffer)
        if self._start <= self._position <= end:
            kept = self._buffer[self._position - self._start :]
        else:
            kept, end = b"", self._position
        self._start = self._position
        self._buffer = kept + self._file.read_at(end, max(wanted - len(kept), self._block))
        self._block = min(self._block * 2, LARGEST_BLOCK)


class PydicomReader:
    """Reads headers with ``pydicom.filereader.read_partial``.

    An element that stands twice counts with its last value, as in pydicom.

    Parameters
    ----------
    readings
        What is wanted; `Header.values` has their order.
    """

    name = "pydicom"

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = tuple(readings)
        last = max(reading.first_tag for reading in self._readings)
        self._stop = lambda tag, vr, length: tag > last

    def read(self, file: OpenFile) -> Header:
        """Read one header; see `HeaderReader.read`."""
        stream = HeaderStream(file)
        dataset = self._parse(stream)
        meta = dataset.file_meta
        if str(meta.get("MediaStorageSOPClassUID", "")) == _MEDIA_STORAGE_DIRECTORY:
            raise Rejected(Reason.DICOMDIR)
        if stream.cut_off or _has_short_value(dataset):
            raise Rejected(Reason.TRUNCATED)
        syntax = str(meta.get("TransferSyntaxUID", "") or "") or None
        values = _Values(dataset)
        try:
            texts = values.read(self._readings)
        except Rejected:
            # pydicom takes a syntax it does not know for explicit little endian
            if syntax is not None and syntax not in AllTransferSyntaxes:
                raise Rejected(Reason.UNSUPPORTED_TRANSFER_SYNTAX) from None
            raise
        return Header(texts, syntax, values.unreadable)

    def _parse(self, stream: HeaderStream) -> FileDataset:
        binary = cast(io.BytesIO, stream)
        try:
            try:
                return read_partial(binary, stop_when=self._stop, defer_size=LARGEST_VALUE)
            except InvalidDicomError:
                return self._parse_without_preamble(stream)
        except (Rejected, OSError):
            raise
        except (EOFError, zlib.error):
            raise Rejected(Reason.TRUNCATED) from None
        except Exception:  # noqa: BLE001 - pydicom raises nearly anything on broken headers
            reason = Reason.TRUNCATED if stream.cut_off else Reason.DECODE_ERROR
            raise Rejected(reason) from None  # the cause may quote a value

    def _parse_without_preamble(self, stream: HeaderStream) -> FileDataset:
        """Files without preamble are real; text files are not DICOM because pydicom tries."""
        stream.seek(0)
        stream.cut_off = False
        try:
            dataset = read_partial(
                cast(io.BytesIO, stream),
                stop_when=self._stop,
                defer_size=LARGEST_VALUE,
                force=True,
            )
            uids = [str(dataset.get(tag).value) for tag in (_SOP_CLASS_UID, _SOP_INSTANCE_UID)]
        except OSError:
            raise
        except Exception:  # noqa: BLE001
            raise Rejected(Reason.NOT_DICOM) from None
        if not all(uid and UID(uid).is_valid for uid in uids):
            raise Rejected(Reason.NOT_DICOM)
        return dataset


def _has_short_value(dataset: Dataset) -> bool:
    """Whether the last element got fewer bytes than it declares: pydicom does not mind."""
    elements = list(dataset._dict.values())
    last = elements[-1] if elements else None
    return (
        isinstance(last, RawDataElement)
        and last.value is not None
        and last.length != UNDEFINED
        and len(last.value) < last.length
    )


class _Values:
    """The wanted values of one parsed header."""

    def __init__(self, dataset: FileDataset) -> None:
        self.dataset = dataset
        self.unreadable = 0
        charset = dataset.get_item(_SPECIFIC_CHARACTER_SET, keep_deferred=True)
        value = charset.value if charset is not None else None
        try:
            self.encodings = encodings_of(value if isinstance(value, bytes) else None)
        except Exception:  # noqa: BLE001 - an unknown character set: the default one
            self.encodings = encodings_of(None)
        signed = self._element(dataset, _PIXEL_REPRESENTATION)
        self.signed = isinstance(signed, RawDataElement) and signed.value in (b"\1\0", b"\0\1")

    def read(self, readings: Sequence[Reading]) -> list[str | None]:
        sop_instance_uid = self._text(Reading((), _SOP_INSTANCE_UID, "UI"))
        if not sop_instance_uid:
            raise Rejected(Reason.NO_SOP_INSTANCE_UID)
        return [self._text(reading) for reading in readings]

    def _text(self, reading: Reading) -> str | None:
        try:
            dataset: Dataset = self.dataset
            for tag, index in reading.steps:
                if tag not in dataset or len(items := dataset[tag].value or []) <= index:
                    return None
                dataset = items[index]
            element = self._element(dataset, reading.tag)
            return None if element is None else self._element_text(dataset, element, reading)
        except Exception:  # noqa: BLE001 - one broken value must not cost the file its row
            self.unreadable += 1
            return None

    @staticmethod
    def _element(dataset: Dataset, tag: int) -> DataElement | RawDataElement | None:
        if tag not in dataset:
            return None
        return dataset.get_item(BaseTag(tag), keep_deferred=True)

    def _element_text(
        self, dataset: Dataset, element: DataElement | RawDataElement, reading: Reading
    ) -> str | None:
        vr = self._vr(element, reading)
        if vr == "SQ":
            return _json_of(dataset, reading.tag)
        if isinstance(element, RawDataElement):
            if element.value is None and element.length:
                raise ValueError("a value too large to be one of a header")
            value = element.value or b""
            little = element.is_little_endian
        else:  # pydicom converts Specific Character Set on its own
            value = "\\".join(
                [element.value] if isinstance(element.value, str) else element.value or []
            ).encode()
            little = True
        return text_of(vr, value, self.encodings, little_endian=little)

    def _vr(self, element: DataElement | RawDataElement, reading: Reading) -> str:
        vr = element.VR
        if vr is None or vr == "UN" or vr not in _VRS:
            vr = reading.vr
        if vr == "US or SS":
            vr = "SS" if self.signed else "US"
        return str(vr)


def _json_of(dataset: Dataset, tag: int) -> str | None:
    """DICOM JSON (PS3.18 annex F) of a sequence, without binary values."""
    element = dataset[tag]
    if not element.value:
        return None
    model = element.to_json_dict(bulk_data_element_handler=lambda _: "", bulk_data_threshold=0)
    return json.dumps(model.get("Value", []), ensure_ascii=False, sort_keys=True)


_VRS = frozenset(str(vr) for vr in STANDARD_VR)
