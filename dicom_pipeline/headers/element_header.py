"""Decode the header of an element in little-endian bytes.

Belongs here: tag, VR and length of an element (PS3.5 section 7.1).
Does not belong here: items of sequences (sequence_items), values, and the selection of elements
(element_walk).
"""

from __future__ import annotations

from struct import Struct

from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32

from dicom_pipeline.headers.fallback import FallbackReason, FallbackRequired
from dicom_pipeline.headers.possible_tags import is_possible

UNDEFINED = 0xFFFFFFFF
_DELIMITERS = 0xFFFE  # the group of items and delimiters
WIDEST = 12  # largest size of an element's header, in bytes

# VRs with two and with four bytes for the length
SHORT = {str(vr).encode(): str(vr) for vr in EXPLICIT_VR_LENGTH_16}
LONG = {str(vr).encode(): str(vr) for vr in EXPLICIT_VR_LENGTH_32 if len(vr) == 2}
_explicit = Struct("<HH2sH").unpack_from
_implicit = Struct("<HHL").unpack_from
_length = Struct("<L").unpack_from


class UnexpectedEnd(Exception):
    """The bytes end within an element."""


def element_header(
    data: bytes, offset: int, *, implicit: bool, last: int = 0xFFFFFFFF
) -> tuple[int, str | None, int, int]:
    """Decode the header of an element.

    Parameters
    ----------
    data, offset
        The bytes, and the offset of the element.
    implicit
        Whether VRs are implicit.
    last
        Only the tag of an element beyond this tag is decoded: it may have another encoding.

    Returns
    -------
    tuple
        Tag, VR (None if implicit), size of the header in bytes, and length of the value in bytes.

    Raises
    ------
    FallbackRequired
        The VR is not in the standard, no element has this tag, or it is an item or a delimiter.
    UnexpectedEnd
        The bytes end within the header.
    """
    if len(data) < offset + 8:
        raise UnexpectedEnd
    if implicit:
        group, number, length = _implicit(data, offset)
        tag, vr, width = group << 16 | number, None, 8
        if tag <= last and not is_possible(tag) and group != _DELIMITERS:
            raise FallbackRequired(FallbackReason.TAG)
    else:
        group, number, name, length = _explicit(data, offset)
        tag, vr, width = group << 16 | number, SHORT.get(name), 8
        if vr is None:
            if len(data) < offset + WIDEST:
                raise UnexpectedEnd
            if tag <= last:
                vr, width = LONG.get(name), WIDEST
                if vr is None:
                    raise FallbackRequired(FallbackReason.VALUE_REPRESENTATION)
                (length,) = _length(data, offset + 8)
    if group == _DELIMITERS:
        raise FallbackRequired(FallbackReason.SEQUENCE)
    return tag, vr, width, length
