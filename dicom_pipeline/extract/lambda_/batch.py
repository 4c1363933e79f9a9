"""Protocol between this machine and the AWS Lambda function: batches of files, rows, outcomes.

Belongs here: the event, the object with the rows, and the outcome codes.
Does not belong here: calls (call, pool), the function itself (handler).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pyarrow as pa

from dicom_pipeline.config.locations import S3Location
from dicom_pipeline.config.settings import Reader
from dicom_pipeline.extract.tables import RAW_TABLES, Tables
from dicom_pipeline.landing.storage import FileVersion

SUFFIX = ".zip"


class Outcome(StrEnum):
    """Outcome of a batch, as the function returns it."""

    DONE = "done"
    # independent of the files of the batch
    UNAVAILABLE = "unavailable"
    OTHER_VERSION = "other_version"
    # possibly caused by one of the files
    NO_MEMORY = "no_memory"
    FAILED = "failed"


@dataclass(frozen=True)
class Batch:
    """Files of a landing zone to read, and the object for their rows.

    Attributes
    ----------
    landing
        The landing zone.
    target
        Bucket and key of the object that the function writes the rows to.
    reader_version
        Reader version of the caller; see `Partitions.reader_version`.
    reader
        The header reader.
    kms_key
        Id of the KMS key for the object; None for the default encryption of the bucket.
    files
        Files to read. If empty, the function only checks its permissions.
    allow_missing_uids
        See `WorkerPlan`.
    """

    landing: S3Location
    target: S3Location
    reader_version: str
    reader: Reader
    kms_key: str | None
    files: Sequence[FileVersion]
    allow_missing_uids: bool = False

    def event(self) -> dict[str, Any]:
        """Return the event for the function.

        An S3 key has at most 1,024 bytes, each of which takes up to six bytes of JSON: 500 keys
        stay below Lambda's limit of 6 MB for an event.
        """
        return {
            "landing": [self.landing.bucket, self.landing.prefix],
            "target": [self.target.bucket, self.target.prefix],
            "reader_version": self.reader_version,
            "reader": self.reader.value,
            "allow_missing_uids": self.allow_missing_uids,
            "kms_key": self.kms_key,
            "files": [list(file) for file in self.files],
        }

    @classmethod
    def of_event(cls, event: dict[str, Any]) -> Batch:
        """Return the batch of an event; the inverse of `event`."""
        return cls(
            S3Location(*event["landing"]),
            S3Location(*event["target"]),
            event["reader_version"],
            Reader(event["reader"]),
            event["kms_key"],
            [FileVersion(*file) for file in event["files"]],
            event["allow_missing_uids"],
        )

    @property
    def where(self) -> dict[str, str]:
        """Bucket and key of the object, as boto3 arguments."""
        return {"Bucket": self.target.bucket, "Key": self.target.prefix}

    @property
    def encryption(self) -> dict[str, str]:
        """Encryption of the object, as boto3 arguments."""
        if not self.kms_key:
            return {}
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key}


def pack(tables: Tables) -> bytes:
    """Return all tables of a batch as one ZIP file of compressed Arrow IPC streams."""
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, table in tables.items():
            with (
                archive.open(name, "w") as entry,
                pa.ipc.new_stream(entry, table.schema, options=options) as writer,
            ):
                writer.write_table(table)
    return sink.getvalue()


def unpack(data: bytes) -> Tables:
    """Return the tables of an object; the inverse of `pack`.

    Raises
    ------
    ValueError
        The data is not the result of `pack`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: pa.ipc.open_stream(archive.read(name)).read_all() for name in RAW_TABLES}
    except (zipfile.BadZipFile, KeyError, pa.ArrowException, OSError):
        raise ValueError("no rows of a batch") from None
