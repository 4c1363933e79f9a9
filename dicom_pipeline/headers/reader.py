"""Interface of header readers, their result, and the reasons for a rejected file.

Belongs here: what all readers have in common, which is all that the rest of the pipeline uses.
Does not belong here: parsing (one module per reader), and the text of values (values).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from dicom_pipeline.common.open_file import OpenFile


class RejectReason(StrEnum):
    """Why a file has no row."""

    NOT_DICOM = "not_dicom"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    NO_SOP_INSTANCE_UID = "no_sop_instance_uid"
    NO_STUDY_INSTANCE_UID = "no_study_instance_uid"
    NO_SERIES_INSTANCE_UID = "no_series_instance_uid"
    UNSUPPORTED_TRANSFER_SYNTAX = "unsupported_transfer_syntax"
    DECODE_ERROR = "decode_error"
    UNREADABLE = "unreadable"
    WORKER_CRASHED = "worker_crashed"
    TIMEOUT = "timeout"
    DICOMDIR = "dicomdir"
    NON_PATIENT_OBJECT = "non_patient_object"
    PURGED = "purged"

    @property
    def outcome(self) -> str:
        """``ignored`` for files that are no instance of a patient or purged, else ``rejected``."""
        return "ignored" if self in _IGNORED else "rejected"


_IGNORED = frozenset({RejectReason.DICOMDIR, RejectReason.NON_PATIENT_OBJECT, RejectReason.PURGED})


class FileRejected(Exception):
    """The file is rejected. The exception has the reason and never a value of the file.

    Attributes
    ----------
    reason
        Why it is rejected.
    fault
        Kind of the fault of a malformed header.
    """

    def __init__(self, reason: RejectReason, fault: str | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.fault = fault


@dataclass(slots=True)
class Header:
    """Values of one header.

    Attributes
    ----------
    values
        Text of each wanted attribute, in the order of the reader's attribute paths; None if the
        attribute is absent or empty.
    transfer_syntax_uid
        Transfer Syntax UID (0002,0010); None if the file has none.
    unreadable_values
        Number of wanted values that could not be converted to text.
    recovered_elements
        Number of faults in the structure of the header that were repaired, see `structure`.
    reader
        Name of the reader; after a fallback, followed by the `FallbackReason`.
    """

    values: list[str | None]
    transfer_syntax_uid: str | None
    unreadable_values: int
    reader: str
    recovered_elements: int = 0


class HeaderReader(Protocol):
    """Reader of the wanted attributes of a header, in one pass."""

    name: str

    def read(self, file: OpenFile) -> Header:
        """Read one header.

        Raises
        ------
        FileRejected
            The file has no row.
        OSError
            The file could not be read.
        """
        ...
