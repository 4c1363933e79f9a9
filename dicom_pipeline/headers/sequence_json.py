"""Write a sequence as DICOM JSON (PS3.18 annex F), one element per line.

Belongs here: the form of a sequence in the raw zone, which cleaning splits into lines.
Does not belong here: finding the sequence in a file (the readers), and de-identification
(deid.cleaning). This module omits only private, unknown and binary elements.

Strings are escaped, so line breaks occur only where this module writes them::

    [
    {
    "00081150": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
    "00081199": {"vr": "SQ", "Value": [
    {
    "00081155": {"vr": "UI", "Value": ["1.2.3"]}
    }
    ]}
    }
    ]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import isfinite

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from dicom_pipeline.headers.values import text_of

_SINGLE = frozenset({"LT", "ST", "UR", "UT"})  # a backslash is a character
_STRINGS = _SINGLE | {
    "AE", "AS", "AT", "CS", "DA", "DT", "LO", "PN", "SH", "TM", "UC", "UI",
}  # fmt: skip
_NUMBERS = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
_CACHED = 1024
_NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_encode = json.JSONEncoder(ensure_ascii=False).encode
# digits match in one way only: an ambiguous pattern backtracks exponentially on long digit strings
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def sequence_json(element: DataElement, encodings: Sequence[str], *, signed: bool) -> str | None:
    """Return DICOM JSON of a sequence, without private, unknown and binary elements.

    Parameters
    ----------
    element
        The sequence.
    encodings
        Python codec names for the character sets of the enclosing data set.
    signed
        Whether Pixel Representation (0028,0103) is 1, for elements that are US or SS.

    Returns
    -------
    str or None
        None for a sequence without items.

    Raises
    ------
    ValueError
        A value does not fit its VR, or was too large to be read.
    """
    if not element.value:
        return None
    return "\n".join(["[", *_items(element.value, encodings, signed), "]"])


def _items(items: Iterable[Dataset], encodings: Sequence[str], signed: bool) -> list[str]:
    lines: list[str] = []
    for item in items:
        own = item.original_character_set
        blocks = _elements(item, [own] if isinstance(own, str) else own or encodings, signed)
        lines.append("{")
        for number, block in enumerate(blocks, 1):
            lines += block
            lines[-1] += "," if number < len(blocks) else ""
        lines.append("},")
    lines[-1] = "}"
    return lines


def _elements(item: Dataset, encodings: Sequence[str], signed: bool) -> list[list[str]]:
    """Return the lines of each element."""
    blocks = []
    for tag in sorted(item.keys()):
        vr = _dictionary_vr(tag)
        if vr is None:
            continue
        if vr == "SQ":
            blocks.append(_nested(item, tag, encodings, signed))
            continue
        element = item.get_item(tag, keep_deferred=True)
        vr = _choose_vr(vr, str(element.VR), signed)
        values = _values(element, vr, encodings)
        value = f', "Value": [{", ".join(values)}]' if values else ""
        blocks.append([f'"{tag:08X}": {{"vr": "{vr}"{value}}}'])
    return blocks


def _nested(item: Dataset, tag: BaseTag, encodings: Sequence[str], signed: bool) -> list[str]:
    element = item[tag]
    if element.VR != "SQ" or not element.value:
        return [f'"{tag:08X}": {{"vr": "SQ"}}']
    inner = _items(element.value, encodings, signed)
    return [f'"{tag:08X}": {{"vr": "SQ", "Value": [', *inner, "]}"]


@lru_cache(_CACHED)
def _dictionary_vr(tag: BaseTag) -> str | None:
    """Return the VR of the dictionary; None for private and unknown tags.

    The VR in the file may differ, but de-identification rules depend on the dictionary's VR.
    """
    try:
        vr = None if tag.is_private or tag.group < 8 else dictionary_VR(tag)
    except KeyError:
        return None
    return None if vr == "NONE" else vr


def _choose_vr(vr: str, own: str, signed: bool) -> str:
    """Choose one of the alternative VRs that the dictionary has for some tags."""
    if " or " not in vr:
        return vr
    if own in vr.split(" or "):
        return own
    if vr == "US or SS":
        return "SS" if signed else "US"
    return "OW"


def _values(element: DataElement | RawDataElement, vr: str, encodings: Sequence[str]) -> list[str]:
    """Return the values as JSON; an empty list for binary VRs."""
    text = _text(element, vr, encodings) if vr in _STRINGS | _NUMBERS else None
    if not text:
        return []
    parts = [text] if vr in _SINGLE else text.split("\\")
    write = _name if vr == "PN" else _number if vr in _NUMBERS else _string
    return [write(part) if part else "null" for part in parts]


def _text(element: DataElement | RawDataElement, vr: str, encodings: Sequence[str]) -> str | None:
    own = str(element.VR)
    if not isinstance(element, RawDataElement):  # pydicom has already converted it
        value = element.value if own != "SQ" else None
        values = [value] if isinstance(value, str) or not isinstance(value, Sequence) else value
        return "\\".join("" if v is None else str(v) for v in values)
    if element.value is None and element.length:
        raise ValueError("the value is too large for a header")
    # the bytes are encoded by the VR in the file, even if the dictionary has another one
    encoded_vr = vr if own in ("None", "UN") else own
    return text_of(
        encoded_vr, element.value or b"", encodings, little_endian=element.is_little_endian
    )


def _string(text: str) -> str:
    return _encode(text)


def _name(text: str) -> str:
    groups = zip(_NAME_GROUPS, text.split("="), strict=False)
    return _encode({group: part for group, part in groups if part})


def _number(text: str) -> str:
    """Return a number as written; anything else becomes a JSON string."""
    if not _NUMBER.fullmatch(text) or not isfinite(float(text)):
        return _string(text)
    return text if _JSON_NUMBER.fullmatch(text) else repr(float(text))
