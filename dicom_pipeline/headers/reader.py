"""What a header reader is: the interface, its result, and the reasons for a reject.

Belongs here: what all readers share and what the rest of the pipeline knows of them.
Does not belong here: how a header is parsed (a module a reader), and the text of values (values).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from dicom_pipeline.common.open_file import OpenFile


class Reason(StrEnum):
    """Why a file gives no row."""

    NOT_DICOM = "not_dicom"
    TRUNCATED = "truncated"
    NO_SOP_INSTANCE_UID = "no_sop_instance_uid"
    UNSUPPORTED_TRANSFER_SYNTAX = "unsupported_transfer_syntax"
    DECODE_ERROR = "decode_error"
    UNREADABLE = "unreadable"
    WORKER_CRASHED = "worker_crashed"
    TIMEOUT = "timeout"
    DICOMDIR = "dicomdir"
    WITHDRAWN = "purged"

    @property
    def outcome(self) -> str:
        """``ignored`` for what is rightly no instance or to be none, else ``rejected``."""
        return "ignored" if self in (Reason.DICOMDIR, Reason.WITHDRAWN) else "rejected"


class Rejected(Exception):
    """A file that gives no row; carries the reason and never a value of the file."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(slots=True)
class Header:
    """Values of one header.

    ``values`` has the text of each wanted reading, in the order the reader was made with; None
    for what is absent or empty. ``unreadable_values`` counts wanted values that could not be
    turned into text. ``reader`` names the reader, and why it was not the fast one if that was
    asked.
    """

    values: list[str | None]
    transfer_syntax_uid: str | None
    unreadable_values: int
    reader: str


class HeaderReader(Protocol):
    """Reads the wanted attributes of a header, in one pass."""

    name: str

    def read(self, file: OpenFile) -> Header:
        """Read one header.

        Raises
        ------
        Rejected
            The file gives no row.
        OSError
            The file could not be read.
        """
        ...
