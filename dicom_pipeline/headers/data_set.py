"""Data set of a file: its file meta information, where it starts and how it is encoded.

Belongs here: everything that precedes the elements of the data set, and deflated data sets.
Does not belong here: the elements (structure, pydicom_reader).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from pydicom.dataset import FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_partial
from pydicom.tag import BaseTag
from pydicom.uid import AllTransferSyntaxes

from dicom_pipeline.common.errors import UserError
from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.headers.files.deflate import InflatedFile
from dicom_pipeline.headers.files.header_stream import Deflated, HeaderStream
from dicom_pipeline.headers.reader import FileRejected, RejectReason
from dicom_pipeline.headers.structure.result import Encoding

# JPIP Referenced Deflate, JPIP HTJ2K Referenced Deflate (PS3.5 annexes A.7 and A.11)
DEFLATED_BY_REFERENCE = frozenset({"1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})
PREAMBLE = bytes(128) + b"DICM"
# the first group of a file without preamble: file meta information or identification
FIRST_GROUPS = (b"\x02\0", b"\x08\0", b"\0\x02", b"\0\x08")
_SOP_CLASS_UID = 0x00080016
_SOP_INSTANCE_UID = 0x00080018
# components with leading zeros are invalid, and exist
_UID = re.compile(r"(?=.{1,64}\Z)\d+(\.\d+)+", re.ASCII)


@dataclass(frozen=True)
class DataSet:
    """Data set of a file.

    Attributes
    ----------
    meta
        File meta information.
    file
        The file, or the inflated data set.
    start
        Offset of the first element.
    declared, found
        Encoding of the transfer syntax, and of the first element: files exist where they differ.
    """

    meta: FileMetaDataset
    file: OpenFile
    start: int
    declared: Encoding
    found: Encoding


@contextmanager
def rejecting(stream: HeaderStream) -> Iterator[None]:
    """Turn any error of pydicom into `FileRejected`; errors of the storage are raised."""
    try:
        yield
    except (FileRejected, MemoryError, UserError, Deflated):
        raise
    except InvalidDicomError:
        raise FileRejected(RejectReason.NOT_DICOM) from None
    except EOFError:
        raise FileRejected(RejectReason.TRUNCATED) from None
    except Exception as error:  # noqa: BLE001 - pydicom raises nearly anything on broken headers
        if stream.failure:
            raise stream.failure from None
        # pydicom raises OSError if the file ends in a sequence, between two elements
        ended = isinstance(error, OSError) and not stream.left
        reason = RejectReason.TRUNCATED if stream.cut_short or ended else RejectReason.DECODE_ERROR
        raise FileRejected(reason) from None  # the cause may quote a value


def open_data_set(file: OpenFile) -> DataSet:
    """Read the file meta information of a file with preamble, and find the data set.

    Raises
    ------
    FileRejected
        There is no preamble, or the file meta information cannot be read.
    """
    stream = HeaderStream(file)
    with rejecting(stream):
        try:
            opened = read_partial(cast(io.BytesIO, stream), stop_when=_at_once)
            meta, start = opened.file_meta, stream.tell()
            declared = Encoding(*map(bool, opened.original_encoding))
            data: OpenFile = file
        except Deflated:
            end = stream.tell()
            stream.seek(0)
            meta = read_partial(io.BytesIO(stream.read(end))).file_meta
            data, start, declared = InflatedFile(stream.read_at, end), 0, Encoding(implicit=False)
    if stream.cut_short:
        raise FileRejected(RejectReason.TRUNCATED)
    vr = data.read_at(start + 4, 2)
    implicit = declared.implicit if len(vr) < 2 else not (vr.isalpha() and vr.isupper())
    return DataSet(meta, data, start, declared, Encoding(implicit, declared.little_endian))


def _at_once(_tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return True


def has_uids(opened: DataSet) -> bool:
    """Whether the data set begins with the UIDs of an instance."""

    def after_uids(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        return int(tag) > _SOP_INSTANCE_UID

    stream = HeaderStream(opened.file)
    stream.seek(opened.start)
    with rejecting(stream):
        dataset = read_dataset(
            cast(io.BytesIO, stream),
            opened.found.implicit,
            opened.found.little_endian,
            stop_when=after_uids,
        )
        uids = [str(dataset[tag].value) for tag in (_SOP_CLASS_UID, _SOP_INSTANCE_UID)]
    return all(_UID.fullmatch(uid) for uid in uids)


def uid_of(meta: FileMetaDataset, keyword: str) -> str | None:
    """Return a UID of the file meta information, or None."""
    try:
        return str(meta.get(keyword) or "") or None
    except Exception:  # noqa: BLE001 - a broken element of the file meta information
        return None


def has_unsupported_syntax(file: OpenFile) -> bool:
    """Whether the file declares a transfer syntax that pydicom would take for another one."""
    stream = HeaderStream(file)
    try:
        with rejecting(stream):
            meta = read_partial(cast(io.BytesIO, stream), stop_when=_at_once).file_meta
    except (FileRejected, Deflated):  # then the first reason applies
        return False
    syntax = uid_of(meta, "TransferSyntaxUID")
    known = {str(uid) for uid in AllTransferSyntaxes} - DEFLATED_BY_REFERENCE
    return not stream.cut_short and bool(syntax) and syntax not in known
