"""Files that are read elsewhere: what is asked for, where the rows are put, and what is answered.

Belongs here: the words that this machine and a function of AWS Lambda exchange.
Does not belong here: who sends them (lambda_pool, lambda_call), what is done there (aws_lambda).
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
    """How a batch ended, in the words of the function."""

    DONE = "done"
    # of these no file is to blame
    UNAVAILABLE = "unavailable"
    OTHER_VERSION = "other_version"
    # one of the files may be
    NO_MEMORY = "no_memory"
    FAILED = "failed"


@dataclass(frozen=True)
class Batch:
    """Some files of a landing zone, and where their rows go.

    Attributes
    ----------
    landing
        The landing zone.
    target
        Bucket and key of the object that the rows are put into.
    reader_version
        What the caller's rows are read by; see `Partitions.reader_version`.
    reader
        The header reader.
    kms_key
        Id of the KMS key that the object is encrypted with; None for the bucket's own way.
    files
        What is to be read. With none, the function only says whether it could.
    """

    landing: S3Location
    target: S3Location
    reader_version: str
    reader: Reader
    kms_key: str | None
    files: Sequence[FileVersion]

    def event(self) -> dict[str, Any]:
        """What is sent to the function.

        A name is at most 1,024 bytes and takes up to six of JSON for each, so that 500 of them
        stay below the 6 MB that an event may have.
        """
        return {
            "landing": [self.landing.bucket, self.landing.prefix],
            "target": [self.target.bucket, self.target.prefix],
            "reader_version": self.reader_version,
            "reader": self.reader.value,
            "kms_key": self.kms_key,
            "files": [list(file) for file in self.files],
        }

    @classmethod
    def of_event(cls, event: dict[str, Any]) -> Batch:
        """The inverse of `event`."""
        return cls(
            S3Location(*event["landing"]),
            S3Location(*event["target"]),
            event["reader_version"],
            Reader(event["reader"]),
            event["kms_key"],
            [FileVersion(*file) for file in event["files"]],
        )

    @property
    def where(self) -> dict[str, str]:
        """The object of the rows, as boto3 names it."""
        return {"Bucket": self.target.bucket, "Key": self.target.prefix}

    @property
    def encryption(self) -> dict[str, str]:
        """How it is encrypted, as boto3 is told."""
        if not self.kms_key:
            return {}
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key}


def pack(tables: Tables) -> bytes:
    """All tables of a batch as one object: a zip of Arrow streams, each compressed."""
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
    """The inverse of `pack`.

    Raises
    ------
    ValueError
        It is something else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: pa.ipc.open_stream(archive.read(name)).read_all() for name in RAW_TABLES}
    except (zipfile.BadZipFile, KeyError, pa.ArrowException, OSError):
        raise ValueError("no rows of a batch") from None
