"""Conversion of pydicom's values to text, as a user would write it.

Belongs here: one function.
Does not belong here: reading files (pydicom_reader, users_loop).
"""

from __future__ import annotations

import json
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue


def text_of(element: DataElement | None) -> str | None:
    """Return values joined by backslashes, a sequence as JSON, or None if absent or empty."""
    if element is None:
        return None
    value: Any = element.value
    if element.VR == "SQ":
        return json.dumps([item.to_json_dict() for item in value]) if value else None
    if isinstance(value, (list, MultiValue)):
        return "\\".join(map(str, value)) or None
    return None if value is None else str(value) or None
