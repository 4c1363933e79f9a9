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
    NO_SOP_INSTANCE_UID = "no_sop_instance_uid"
    UNSUPPORTED_TRANSFER_SYNTAX = "unsupported_transfer_syntax"
    DECODE_ERROR = "decode_error"
    UNREADABLE = "unreadable"
    WORKER_CRASHED = "worker_crashed"
    TIMEOUT = "timeout"
    DICOMDIR = "dicomdir"
    PURGED = "purged"

    @property
    def outcome(self) -> str:
        """``ignored`` for a DICOMDIR or a file of a purged subject, else ``rejected``."""
        return "ignored" if self in (RejectReason.DICOMDIR, RejectReason.PURGED) else "rejected"


class FileRejected(Exception):
    """The file is rejected. The exception has the reason and never a value of the file."""

    def __init__(self, reason: RejectReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


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
    reader
        Name of the reader; after a fallback, followed by the `FallbackReason`.
    """

    values: list[str | None]
    transfer_syntax_uid: str | None
    unreadable_values: int
    reader: str


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
