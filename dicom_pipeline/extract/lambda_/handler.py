"""AWS Lambda function that reads the headers of a batch with the code of a worker.

Belongs here: translation of an event to an object with rows and a response with counts.
Does not belong here: the protocol (batch), reading (worker), the caller (pool).

The function raises and logs nothing: Lambda writes both to its log, and messages may quote values.
Its result depends only on the event, so that a repeated event is harmless.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from dicom_pipeline.common import aws
from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.common.pydicom_logging import silence_pydicom
from dicom_pipeline.config.locations import S3Location
from dicom_pipeline.config.settings import Reader
from dicom_pipeline.extract.lambda_.batch import Batch, Outcome, pack
from dicom_pipeline.extract.tables import REJECTED
from dicom_pipeline.extract.worker import Worker, WorkerPlan
from dicom_pipeline.mapping.attribute_mapping import MAPPING_CSV

_NO_DIRECTORY = Path("/nonexistent")

silence_pydicom()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Read the headers of a batch, and write their rows to its object.

    Parameters
    ----------
    event
        The result of `Batch.event`.
    _context
        Lambda's context object.

    Returns
    -------
    dict
        ``outcome`` (see `Outcome`). With ``done`` also the numbers of files and rejected files and
        the size of the object in bytes; with ``unavailable`` the reason as ``line``.
    """
    try:
        batch = Batch.of_event(event)
        plan = _plan(batch.landing, batch.reader, batch.allow_missing_uids)
        if plan.reader_version != batch.reader_version:
            return {"outcome": Outcome.OTHER_VERSION.value}
        return {"outcome": Outcome.DONE.value, **_read(batch)}
    except StorageUnavailable as unavailable:
        return {"outcome": Outcome.UNAVAILABLE.value, "line": str(unavailable)}
    except MemoryError:
        return {"outcome": Outcome.NO_MEMORY.value}
    except Exception:  # noqa: BLE001 - Lambda would log the message, which may quote values
        return {"outcome": Outcome.FAILED.value}


def _read(batch: Batch) -> dict[str, int]:
    if not batch.files:
        return {"files": 0, "rejected": 0, "bytes": 0}
    worker = _worker(batch.landing, batch.reader, batch.allow_missing_uids)
    tables = worker.read(batch.files)
    data = pack(tables)
    _put(batch, data)
    return {
        "files": len(batch.files),
        "rejected": tables[REJECTED].num_rows,
        "bytes": len(data),
    }


@lru_cache(maxsize=1)
def _worker(landing: S3Location, reader: Reader, allow_missing_uids: bool) -> Worker:
    """Return the worker of this process; Lambda reuses the process for further events."""
    return Worker(_plan(landing, reader, allow_missing_uids))


def _plan(landing: S3Location, reader: Reader, allow_missing_uids: bool) -> WorkerPlan:
    return WorkerPlan(
        landing, _NO_DIRECTORY, MAPPING_CSV, reader, allow_missing_uids=allow_missing_uids
    )


def _put(batch: Batch, data: bytes) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        aws.client().put_object(**batch.where, **batch.encryption, Body=data)
    except (BotoCoreError, ClientError) as error:
        raise aws.unavailable(error, "the raw zone", "written") from None
