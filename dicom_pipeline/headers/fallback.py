"""Reasons why the fast reader falls back to pydicom.

Belongs here: the reasons, which the raw tables count.
Does not belong here: reasons for a rejected file (reader), which only the pydicom reader gives.
"""

from __future__ import annotations

from enum import StrEnum


class FallbackReason(StrEnum):
    """Property of a file that the fast reader does not handle."""

    NO_PREAMBLE = "no_preamble"
    FILE_META = "file_meta"
    TRANSFER_SYNTAX = "transfer_syntax"
    TAG = "tag"
    VALUE_REPRESENTATION = "value_representation"
    UNDEFINED_LENGTH = "undefined_length"
    CHARACTER_SET = "character_set"
    SEQUENCE = "sequence"
    ORDER = "order_of_elements"
    LARGE = "large_value"
    ENDS_EARLY = "ends_early"
    NO_SOP_INSTANCE_UID = "no_sop_instance_uid"
    DICOMDIR = "dicomdir"
    ERROR = "error"  # a bug of the fast reader


class FallbackRequired(Exception):
    """The fast reader cannot read a file reliably; has the reason and no value of the file."""

    def __init__(self, reason: FallbackReason) -> None:
        super().__init__(reason.value)
        self.reason = reason
