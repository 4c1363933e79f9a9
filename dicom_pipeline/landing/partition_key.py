"""Study period of a file, from its first 8 KiB.

Belongs here: reading the dates that determine the partition, and the names of partitions.
Does not belong here: any other attribute, and validation of the file.
"""

from __future__ import annotations

import re
import zlib
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_partial
from pydicom.tag import BaseTag
from pydicom.uid import (
    AllTransferSyntaxes,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from dicom_pipeline.config.settings import Granularity
from dicom_pipeline.headers.data_set import FIRST_GROUPS, PREAMBLE
from dicom_pipeline.headers.element_header import UNDEFINED, UnexpectedEnd, element_header
from dicom_pipeline.headers.fallback import FallbackReason, FallbackRequired

HEAD_BYTES = 8192
UNDATED = "undated"

# Study, Acquisition, Series, Content Date: (0008,0020) to (0008,0023)
_DATES = (0x00080020, 0x00080022, 0x00080021, 0x00080023)
_LAST_DATE = 0x00080023
_BEGIN = 132
_MAGIC = slice(128, 132)
_TRANSFER_SYNTAX_UID = 0x00020010
_LAST_OF_FILE_META = 0x0002FFFF
_IMPLICIT = ImplicitVRLittleEndian.encode()
_EXPLICIT = frozenset(uid.encode() for uid in AllTransferSyntaxes) - {
    _IMPLICIT,
    DeflatedExplicitVRLittleEndian.encode(),
    ExplicitVRBigEndian.encode(),
}
# years before 1900 and after 2099 are typing errors
_DATE = re.compile(r"((?:19|20)\d\d)\.?(0[1-9]|1[0-2])\.?(0[1-9]|[12]\d|3[01])")
_LENGTH = {Granularity.DAY: 10, Granularity.MONTH: 7, Granularity.YEAR: 4}


def usable_date(text: str) -> str | None:
    """Convert a DICOM date (``YYYYMMDD``, or ``YYYY.MM.DD`` of ACR-NEMA) to ``YYYY-MM-DD``.

    Returns None for an invalid date.
    """
    match = _DATE.fullmatch(text.strip(" \0"))
    return "-".join(match.groups()) if match else None


def study_day(head: bytes) -> str | None:
    """Return the day that determines the partition of a file.

    This is Study Date; if that is missing, Acquisition, Series or Content Date.

    Parameters
    ----------
    head
        The first `HEAD_BYTES` of the file.

    Returns
    -------
    str or None
        ``YYYY-MM-DD``; None if there is no valid date, or the file is not DICOM.
    """
    try:
        values = _plain_dates(head)
    except (FallbackRequired, UnexpectedEnd):
        values = _dates_if_readable(head)
        if not values and head[:2] in FIRST_GROUPS and head[_MAGIC] == b"DICM":
            values = _dates_if_readable(PREAMBLE + head)  # DICM is in a value
    for tag in _DATES:
        day = usable_date(values.get(tag, ""))
        if day:
            return day
    return None


def _dates_if_readable(head: bytes) -> dict[int, str]:
    try:
        return _dates(head)
    except Exception:  # noqa: BLE001 - the extractor reports errors of the header
        return {}


def _plain_dates(head: bytes) -> dict[int, str]:
    """Read the dates of a common file: little-endian, complete, in order.

    Raises
    ------
    FallbackRequired, UnexpectedEnd
        pydicom must read the file.
    """
    if head[_MAGIC] != b"DICM":
        raise FallbackRequired(FallbackReason.NO_PREAMBLE)
    syntax, offset = b"", _BEGIN
    while True:
        tag, _, width, length = element_header(
            head, offset, implicit=False, last=_LAST_OF_FILE_META
        )
        if tag > _LAST_OF_FILE_META:
            break
        if tag == _TRANSFER_SYNTAX_UID:
            syntax = head[offset + width : offset + width + length].rstrip(b"\0")
        offset += width + length
    implicit = syntax == _IMPLICIT
    if not implicit and syntax not in _EXPLICIT:
        raise FallbackRequired(FallbackReason.TRANSFER_SYNTAX)
    if implicit and head[offset + 4 : offset + 6].isalpha():
        raise FallbackRequired(FallbackReason.VALUE_REPRESENTATION)
    found: dict[int, str] = {}
    previous = tag - 1
    while True:
        tag, _, width, length = element_header(head, offset, implicit=implicit, last=_LAST_DATE)
        if tag > _LAST_DATE:
            return found
        if tag <= previous or length == UNDEFINED:
            raise FallbackRequired(FallbackReason.ORDER)
        previous = tag
        if tag in _DATES:
            found[tag] = _first(head[offset + width : offset + width + length])
        offset += width + length


def _first(value: bytes) -> str:
    return value.decode("ascii", "replace").split("\\")[0]


def _dates(head: bytes) -> dict[int, str]:
    def past_dates(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        return int(tag) > _LAST_DATE

    try:
        dataset = read_partial(BytesIO(head), stop_when=past_dates)
    except InvalidDicomError:
        dataset = read_partial(BytesIO(head), stop_when=past_dates, force=True)
    except zlib.error:  # deflated, and truncated at the end of the head
        inflate = zlib.decompressobj(-zlib.MAX_WBITS).decompress
        inflated = inflate(head[_end_of_file_meta(head) :], 65_536)
        return _texts(read_dataset(BytesIO(inflated), False, True, stop_when=past_dates))
    return _texts(dataset)


def _texts(dataset: Dataset) -> dict[int, str]:
    found = {}
    for tag in _DATES:
        element = dataset.get_item(tag) if tag in dataset else None
        if element is not None and isinstance(element.value, bytes):
            found[tag] = _first(element.value)
    return found


def _end_of_file_meta(head: bytes) -> int:
    """Return the offset of the data set after the file meta information (PS3.10 section 7.1)."""
    offset = 132
    while head[offset : offset + 2] == b"\x02\x00":
        long = head[offset + 4 : offset + 6] in (b"OB", b"UN", b"OW", b"UT", b"SQ")
        start, width = (offset + 8, 4) if long else (offset + 6, 2)
        offset = start + width + int.from_bytes(head[start : start + width], "little")
    return offset


def study_period(day: str | None, granularity: Granularity) -> str:
    """Return the partition key: ``2012-03-05``, ``2012-03``, ``2012`` or ``undated``."""
    return UNDATED if day is None else day[: _LENGTH[granularity]]


def is_period(key: str, granularity: Granularity) -> bool:
    """Whether ``key`` is a partition key of this granularity."""
    return key == UNDATED or len(key) == _LENGTH[granularity]
