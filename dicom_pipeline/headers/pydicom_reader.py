"""Header reader based on pydicom: slow, and the reference for the other readers.

Belongs here: parsing a header with pydicom, and comparing it with the walk over its structure.
Does not belong here: the walk (structure), the encoding of a file (data_set), conversion of values
to text (values), and the selection of attributes (mapping).
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag
from pydicom.valuerep import STANDARD_VR

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.headers.data_set import (
    FIRST_GROUPS,
    PREAMBLE,
    DataSet,
    has_uids,
    has_unsupported_syntax,
    open_data_set,
    rejecting,
    uid_of,
)
from dicom_pipeline.headers.element_header import UNDEFINED, UnexpectedEnd
from dicom_pipeline.headers.files.buffered_reader import BufferedReader
from dicom_pipeline.headers.files.cached_file import CachedFile
from dicom_pipeline.headers.files.header_stream import HeaderStream
from dicom_pipeline.headers.files.repaired_file import Edit, RepairedFile
from dicom_pipeline.headers.reader import FileRejected, Header, RejectReason
from dicom_pipeline.headers.sequence_json import sequence_json
from dicom_pipeline.headers.structure.result import Encoding, Fault, Malformed, Structure
from dicom_pipeline.headers.structure.walk import StructureWalk
from dicom_pipeline.headers.values import encodings_of, text_of

LARGEST_VALUE = 1 << 20  # a larger wanted value is not read; it counts as unreadable

_SPECIFIC_CHARACTER_SET = 0x00080005
_SOP_INSTANCE_UID = 0x00080018
_PIXEL_REPRESENTATION = 0x00280103
_MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
# possible results of reading a file without preamble, or with an unsupported transfer syntax, as
# if it were another one
_MISREAD = (
    RejectReason.TRUNCATED,
    RejectReason.MALFORMED,
    RejectReason.DECODE_ERROR,
    RejectReason.NO_SOP_INSTANCE_UID,
)


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
    """Reads headers with ``pydicom.filereader.read_dataset``, after a `StructureWalk`.

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
        self._sequences = frozenset(
            attribute_path.first_tag
            for attribute_path in self.attribute_paths
            if attribute_path.steps or attribute_path.vr == "SQ"
        )

    def read(self, file: OpenFile) -> Header:
        """Read one header; see `HeaderReader.read`."""
        file = CachedFile(file)  # several passes read its first bytes
        try:
            return self._read(file)
        except FileRejected as rejected:
            if rejected.reason is RejectReason.NOT_DICOM:
                return self._read_without_preamble(file)
            if rejected.reason not in _MISREAD:
                raise
            if file.read_at(0, 2) in FIRST_GROUPS:  # DICM may occur in a value
                with suppress(FileRejected):
                    return self._read_without_preamble(file)
            if has_unsupported_syntax(file):
                raise FileRejected(RejectReason.UNSUPPORTED_TRANSFER_SYNTAX) from None
            raise

    def _read(self, file: OpenFile) -> Header:
        """Read a file with preamble."""
        opened = open_data_set(file)
        if uid_of(opened.meta, "MediaStorageSOPClassUID") == _MEDIA_STORAGE_DIRECTORY:
            raise FileRejected(RejectReason.DICOMDIR)
        structure, encoding = self._walk(opened)
        values = Values(self._parse(opened, structure, encoding))
        texts = values.read(self.attribute_paths, self._order)
        syntax = uid_of(opened.meta, "TransferSyntaxUID")
        return Header(texts, syntax, values.unreadable, self.name, structure.recovered)

    def _read_without_preamble(self, file: OpenFile) -> Header:
        """Read a file without preamble (PS3.10 section 7.1), as if it had one.

        Such files exist. A file counts as DICOM only if it has UIDs, because pydicom can parse
        any bytes.
        """
        whole = RepairedFile(file, [Edit(0, 0, PREAMBLE)])
        try:
            if not has_uids(open_data_set(whole)):
                raise FileRejected(RejectReason.NOT_DICOM)
        except FileRejected:
            raise FileRejected(RejectReason.NOT_DICOM) from None
        return self._read(whole)

    def _walk(self, opened: DataSet) -> tuple[Structure, Encoding]:
        """Check the structure, with the encoding of the first element or with the declared one."""
        failures: list[FileRejected] = []
        for encoding in dict.fromkeys((opened.found, opened.declared)):
            at = BufferedReader(opened.file)
            at.skip(opened.start)
            try:
                return StructureWalk(at, encoding, self._last, self._sequences).run(), encoding
            except Malformed as malformed:
                failures.append(FileRejected(RejectReason.MALFORMED, malformed.fault))
            except UnexpectedEnd:
                failures.append(FileRejected(RejectReason.TRUNCATED))
            except ValueError:  # a deflated data set that is too large
                failures.append(FileRejected(RejectReason.DECODE_ERROR))
        raise failures[0]

    def _parse(self, opened: DataSet, structure: Structure, encoding: Encoding) -> Dataset:
        edits = structure.edits
        stream = HeaderStream(RepairedFile(opened.file, edits) if edits else opened.file)
        stream.seek(opened.start)
        stop = _Stop(self._last)
        with rejecting(stream):
            dataset = read_dataset(
                cast(io.BytesIO, stream),
                encoding.implicit,
                encoding.little_endian,
                stop_when=stop,
                defer_size=LARGEST_VALUE,
            )
        if not stop.reached and (stream.cut_short or _has_short_value(dataset)):
            raise FileRejected(RejectReason.TRUNCATED)
        if dataset.keys() != structure.tags:
            raise FileRejected(RejectReason.MALFORMED, Fault.OUT_OF_STEP)
        return dataset


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
