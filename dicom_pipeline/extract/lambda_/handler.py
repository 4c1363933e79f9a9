"""The function that AWS Lambda runs: it reads the headers of a batch with the code of a worker.

Belongs here: an event to an object with rows, and an answer of counts.
Does not belong here: the words of both (batch), reading (worker), who calls (lambda_pool).

Nothing is raised and nothing is logged: Lambda would write either to a log, and both may quote a
value. What is written depends on the event alone, so that the same event may come again.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from dicom_pipeline.common import aws as s3
from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.common.pydicom_logging import silence_pydicom
from dicom_pipeline.config.locations import S3Location
from dicom_pipeline.config.settings import Reader
from dicom_pipeline.extract.lambda_.batch import Batch, Outcome, pack
from dicom_pipeline.extract.tables import REJECTED
from dicom_pipeline.extract.worker import Worker, WorkerPlan
from dicom_pipeline.mapping.attribute_mapping import MAPPING_CSV

_NOWHERE = Path("/nonexistent")

silence_pydicom()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Read the headers of a batch, and put their rows into its object.

    Parameters
    ----------
    event
        As `Batch.event` makes it.
    _context
        Lambda's.

    Returns
    -------
    dict
        ``outcome`` (see `Outcome`), and with ``done`` the numbers of files and rejects and the
        size of the object; with ``unavailable`` the ``line`` that says why.
    """
    try:
        batch = Batch.of_event(event)
        plan = WorkerPlan(batch.landing, _NOWHERE, MAPPING_CSV, batch.reader)
        if plan.reader_version != batch.reader_version:
            return {"outcome": Outcome.OTHER_VERSION.value}
        return {"outcome": Outcome.DONE.value, **_read(batch)}
    except StorageUnavailable as unavailable:
        return {"outcome": Outcome.UNAVAILABLE.value, "line": str(unavailable)}
    except MemoryError:
        return {"outcome": Outcome.NO_MEMORY.value}
    except Exception:  # noqa: BLE001 - Lambda would log it, and what it quotes
        return {"outcome": Outcome.FAILED.value}


def _read(batch: Batch) -> dict[str, int]:
    if not batch.files:
        return {"files": 0, "rejected": 0, "bytes": 0}
    tables = _worker(batch.landing, batch.reader).read(batch.files)
    data = pack(tables)
    _put(batch, data)
    return {
        "files": len(batch.files),
        "rejected": tables[REJECTED].num_rows,
        "bytes": len(data),
    }


@lru_cache(maxsize=1)
def _worker(landing: S3Location, reader: Reader) -> Worker:
    """The worker of this process, which Lambda keeps for the next events."""
    return Worker(WorkerPlan(landing, _NOWHERE, MAPPING_CSV, reader))


def _put(batch: Batch, data: bytes) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        s3.client().put_object(**batch.where, **batch.encryption, Body=data)
    except (BotoCoreError, ClientError) as error:
        raise s3.unavailable(error, "the raw zone", "written") from None
