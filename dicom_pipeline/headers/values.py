"""Conversion of a value to text: padding, character sets, binary numbers.

Belongs here: bytes of one element to text (PS3.5 section 6.2), the same for every reader.
Does not belong here: finding the bytes in a file, and types (the warehouse casts).
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from pydicom.charset import convert_encodings, decode_bytes, default_encoding

CACHED = 256
# Limits in bytes. PS3.5 allows 10,240 characters for a text. Longer values are not accepted,
# because the time of SQL that splits texts grows with the square of their length.
LONGEST_TEXT = 4 * 10_240
LONGEST_NUMBERS = 65_536
MOST_TEXTS = 1_024  # in one element

# control characters that reset the character set (PS3.5 section 6.1.2.5.3)
_TEXT_DELIMITERS = {0x0D, 0x0A, 0x09, 0x0C}
_NAME_DELIMITERS = {0x5E, 0x3D}

_CODED = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI"})
_TEXT = frozenset({"LO", "PN", "SH", "UC"})
_SINGLE_TEXT = frozenset({"LT", "ST", "UR", "UT"})
_NUMBERS = {
    "US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d",
}  # fmt: skip


@lru_cache(CACHED)
def encodings_of(specific_character_set: bytes | None) -> tuple[str, ...]:
    """Return the Python codecs for the value of Specific Character Set (0008,0005)."""
    text = (specific_character_set or b"").decode("ascii", "replace")
    values = [value.strip(" \0") for value in text.split("\\")]
    return tuple(convert_encodings(values if len(values) > 1 else values[0]))


def text_of(
    vr: str, value: bytes, encodings: Sequence[str], *, little_endian: bool = True
) -> str | None:
    """Return the text of one element.

    Parameters
    ----------
    vr
        Value representation.
    value
        All bytes of the value.
    encodings
        Result of `encodings_of` for the data set.
    little_endian
        Byte order of binary numbers.

    Returns
    -------
    str or None
        Values joined by a backslash, without padding, in Unicode normal form C. None if the value
        is empty or only padding, or if the VR has no text (binary, sequences).

    Raises
    ------
    ValueError
        The length does not fit the VR, or the value is too long for a header.
    """
    if len(value) > MOST_TEXTS:
        _refuse_long(vr, value)
    if vr in _CODED:
        return _joined(value.decode(default_encoding))
    if vr in _TEXT:
        delimiters = _NAME_DELIMITERS if vr == "PN" else _TEXT_DELIMITERS
        return _joined(decode_bytes(value, encodings, delimiters))
    if vr in _SINGLE_TEXT:  # a backslash is a character, and leading spaces are significant
        return _normal(decode_bytes(value, encodings, _TEXT_DELIMITERS).rstrip(" \0")) or None
    if vr in _NUMBERS:
        return _numbers(_NUMBERS[vr], value, little_endian)
    if vr == "AT":
        numbers = _unpack("H", value, little_endian)
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        return "\\".join(f"{group:04X}{element:04X}" for group, element in pairs) or None
    return None


def _refuse_long(vr: str, value: bytes) -> None:
    numbers = vr in _NUMBERS or vr in ("DS", "IS", "AT")
    if len(value) > (LONGEST_NUMBERS if numbers else LONGEST_TEXT):
        raise ValueError("the value is too long for a header")
    if not numbers and vr not in _SINGLE_TEXT and value.count(b"\\") >= MOST_TEXTS:
        raise ValueError("the element has too many values for a header")


def _joined(text: str) -> str | None:
    values = text.split("\\")
    if len(values) == 1:
        return _normal(text.strip(" \0")) or None
    stripped = [value.strip(" \0") for value in values]
    return _normal("\\".join(stripped)) if any(stripped) else None


def _normal(text: str) -> str:
    # C clients of the tables would end the value at a NUL
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _unpack(code: str, value: bytes, little_endian: bool) -> tuple[int | float, ...]:
    width = struct.calcsize("<" + code)
    if len(value) % width:
        raise ValueError("the length does not fit the value representation")
    return struct.unpack(f"{'<' if little_endian else '>'}{len(value) // width}{code}", value)


def _numbers(code: str, value: bytes, little_endian: bool) -> str | None:
    return "\\".join(str(number) for number in _unpack(code, value, little_endian)) or None
