"""Why the fast reader leaves a file to pydicom.

Belongs here: the reasons, which the raw tables count.
Does not belong here: why a file gives no row (reader), which only pydicom decides.
"""

from __future__ import annotations

from enum import StrEnum


class FallbackReason(StrEnum):
    """What the fast reader is not sure of."""

    NO_PREAMBLE = "no_preamble"
    FILE_META = "file_meta"
    TRANSFER_SYNTAX = "transfer_syntax"
    VALUE_REPRESENTATION = "value_representation"
    UNDEFINED_LENGTH = "undefined_length"
    CHARACTER_SET = "character_set"
    SEQUENCE = "sequence"
    ORDER = "order_of_elements"
    LARGE = "large_value"
    ENDS_EARLY = "ends_early"
    NO_SOP_INSTANCE_UID = "no_sop_instance_uid"
    DICOMDIR = "dicomdir"


class FallbackRequired(Exception):
    """The fast reader is not sure of what it sees; carries the reason and no value."""

    def __init__(self, doubt: FallbackReason) -> None:
        super().__init__(doubt.value)
        self.doubt = doubt
