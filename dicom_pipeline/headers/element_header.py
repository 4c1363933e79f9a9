"""Headers of elements in little-endian bytes.

Belongs here: tag, VR and length of an element (PS3.5 section 7.1).
Does not belong here: items of sequences (items), values, and which elements are wanted (walk).
"""

from __future__ import annotations

from struct import Struct

from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32

from dicom_pipeline.headers.fallback import FallbackReason, FallbackRequired

UNDEFINED = 0xFFFFFFFF
_DELIMITERS = 0xFFFE  # the group of items and of what ends them
WIDEST = 12  # bytes of an element's header

_SHORT = {str(vr).encode(): str(vr) for vr in EXPLICIT_VR_LENGTH_16}
_LONG = {str(vr).encode(): str(vr) for vr in EXPLICIT_VR_LENGTH_32 if len(vr) == 2}
_explicit = Struct("<HH2sH").unpack_from
_implicit = Struct("<HHL").unpack_from
_length = Struct("<L").unpack_from


class UnexpectedEnd(Exception):
    """The bytes end in the middle of something."""


def element_header(
    data: bytes, offset: int, *, implicit: bool, last: int = 0xFFFFFFFF
) -> tuple[int, str | None, int, int]:
    """Tag, VR (None if implicit), bytes of the header, and length of the value.

    Of an element behind ``last`` only the tag is looked at: it may be of another encoding.

    Raises
    ------
    FallbackRequired
        The VR is none of the standard, or the element is an item or delimiter.
    UnexpectedEnd
        The bytes end in the header.
    """
    if len(data) < offset + 8:
        raise UnexpectedEnd
    if implicit:
        group, number, length = _implicit(data, offset)
        tag, vr, width = group << 16 | number, None, 8
    else:
        group, number, name, length = _explicit(data, offset)
        tag, vr, width = group << 16 | number, _SHORT.get(name), 8
        if vr is None:
            if len(data) < offset + WIDEST:
                raise UnexpectedEnd
            if tag <= last:
                vr, width = _LONG.get(name), WIDEST
                if vr is None:
                    raise FallbackRequired(FallbackReason.VALUE_REPRESENTATION)
                (length,) = _length(data, offset + 8)
    if group == _DELIMITERS:
        raise FallbackRequired(FallbackReason.SEQUENCE)
    return tag, vr, width, length
