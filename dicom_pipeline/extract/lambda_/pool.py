"""Reading headers on AWS Lambda: the same rows as from processes of this machine.

Belongs here: batches, how many at once, parts of those that failed, the objects between.
Does not belong here: one call (lambda_call), what the function does (aws_lambda), what is done
with the rows (raw_step).

A batch that fails is called again in parts, down to single files, which are rejected: so a hostile
file costs itself only. What concerns all files ends the step, and rejects none.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import chain, count, islice
from uuid import uuid4

from dicom_pipeline.common import aws as s3
from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.config.locations import BATCHES, S3Location
from dicom_pipeline.extract.lambda_.batch import SUFFIX, Batch, unpack
from dicom_pipeline.extract.lambda_.call import LambdaCall
from dicom_pipeline.extract.pool import as_completed
from dicom_pipeline.extract.raw_zone.rows import paths_of, unreadable_paths
from dicom_pipeline.extract.tables import REJECTED, Tables
from dicom_pipeline.extract.worker import WorkerPlan
from dicom_pipeline.headers.reader import Reason
from dicom_pipeline.landing.factory import open_storage
from dicom_pipeline.landing.storage import FileVersion

MOST_FILES = 500
MOST_BYTES = 256 << 20
# of a larger file no more counts: its header ends long before, and only that is fetched
MOST_OF_A_FILE = 1 << 20
FEWEST_FILES = 25
PARTS = 8
_FETCHES = 16
_ZONE = "the raw zone"
_FOREIGN = "the Lambda function: what it wrote is not what was asked for; deploy it again"


@dataclass(frozen=True)
class _Job:
    """A batch, by a name that tells which one it is a part of."""

    name: str
    files: Sequence[FileVersion]


class LambdaPool:
    """Reads headers by a function on AWS Lambda.

    Parameters
    ----------
    function
        Its name or ARN.
    raw
        The raw zone: rows lie in its folder `BATCHES` for a moment.
    concurrency
        Calls at the same time.
    kms_key
        Id of the KMS key that objects are encrypted with; None for the bucket's own way.
    """

    def __init__(
        self, function: str, raw: S3Location, *, concurrency: int, kms_key: str | None = None
    ) -> None:
        self.function = function
        self.raw = raw
        self.concurrency = concurrency
        self.kms_key = kms_key

    def read_headers(
        self, files: Iterable[FileVersion], plan: WorkerPlan, *, workers: int
    ) -> Iterator[Tables]:
        """Read the headers of files, in no particular order; see `pool.read_headers`.

        Parameters
        ----------
        files
            What to read; taken by this thread alone.
        plan
            What the function is to do, and what its rows are to be.
        workers
            Not used: `concurrency` bounds the calls.

        Yields
        ------
        dict of str to pyarrow.Table
            Rows of the raw tables, for a batch of the files.

        Raises
        ------
        StorageUnavailable
            No file can be read, or none is to blame.
        """
        coming = iter(files)
        first = next(coming, None)
        if first is None:
            return  # nothing to do: no call, and no request
        clear_batches(self.raw)
        with closing(_Fan(self, plan)) as fan:
            fan.probe()
            yield from fan.read(chain([first], coming))


class _Fan:
    """The calls of one step."""

    def __init__(self, pool: LambdaPool, plan: WorkerPlan) -> None:
        if not isinstance(plan.landing, S3Location):
            raise TypeError("AWS Lambda reads buckets only")
        self._pool = pool
        self._plan = plan
        self._landing = plan.landing
        self._reader_version = plan.reader_version
        self._schemas = {name: table.schema for name, table in plan.tables().finish().items()}
        self._folder = f"{pool.raw.prefix}{BATCHES}{uuid4().hex}/"
        self._call = LambdaCall(pool.function, connections=pool.concurrency)
        self._calls = threading.Semaphore(pool.concurrency)
        self._fetches = threading.Semaphore(_FETCHES)
        self._numbers = count(1)

    def close(self) -> None:
        """Ask for nothing more; calls that are under way end by themselves."""
        self._call.stop()

    def probe(self) -> None:
        """See that there is a function of our version, before a file could be blamed for it."""
        failure = self._call(self._batch(_Job("probe", ())))
        if failure is not None:
            raise StorageUnavailable(
                "the Lambda function: it fails without any file; look at its memory and time-out"
            )

    def read(self, files: Iterator[FileVersion]) -> Iterator[Tables]:
        """Rows of files, a batch at a time."""
        batches = _batches(files, self._pool.concurrency)
        again: list[_Job] = []

        def take() -> _Job | None:
            if again:
                return again.pop()
            batch = next(batches, None)
            return None if batch is None else _Job(str(next(self._numbers)), batch)

        # as many again: what has come waits here while rows are written
        for job, future in as_completed(take, self._submit, 2 * self._pool.concurrency):
            outcome = future.result()
            if not isinstance(outcome, Reason):
                yield outcome
            elif len(job.files) == 1:
                yield self._rejected(job.files[0], outcome)
            else:
                again += _parts(job)

    def _submit(self, job: _Job) -> Future[Tables | Reason]:
        """Begin a batch, in a thread that a process which ends does not wait for."""
        future: Future[Tables | Reason] = Future()
        threading.Thread(target=self._run, args=(job, future), daemon=True).start()
        return future

    def _run(self, job: _Job, future: Future[Tables | Reason]) -> None:
        try:
            future.set_result(self._rows(job))
        except BaseException as error:  # noqa: BLE001 - the thread that waits raises it
            future.set_exception(error)

    def _rows(self, job: _Job) -> Tables | Reason:
        batch = self._batch(job)
        with self._calls:
            failure = self._call(batch)
        with self._fetches:
            if failure is not None:
                self._drop(batch)  # it may have come as far as that
                return failure
            tables = self._fetch(batch)
        closed = unreadable_paths(tables[REJECTED])
        if len(closed) == len(batch.files):
            self._check_rights(batch.files[0])
        return tables

    def _batch(self, job: _Job) -> Batch:
        target = S3Location(self._pool.raw.bucket, f"{self._folder}{job.name}{SUFFIX}")
        return Batch(
            self._landing,
            target,
            self._reader_version,
            self._plan.reader,
            self._pool.kms_key,
            job.files,
        )

    def _fetch(self, batch: Batch) -> Tables:
        """Take the rows of a batch out of the bucket."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            _, data = s3.fetch(batch.where)
            self._drop(batch)
        except (BotoCoreError, ClientError) as error:
            raise s3.unavailable(error, _ZONE, "read") from None
        try:
            tables = unpack(data)
        except ValueError:
            raise StorageUnavailable(_FOREIGN) from None
        schemas = {name: table.schema for name, table in tables.items()}
        if schemas != self._schemas or paths_of(tables) != {file.path for file in batch.files}:
            raise StorageUnavailable(_FOREIGN)
        return tables

    @staticmethod
    def _drop(batch: Batch) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        with suppress(BotoCoreError, ClientError):  # the next step clears what is left
            s3.client().delete_object(**batch.where)

    def _check_rights(self, file: FileVersion) -> None:
        """Not one file could be opened there; if one opens here, the function is to blame."""
        try:
            open_storage(self._landing).open(file.path, file.etag).close()
        except OSError:
            return
        raise StorageUnavailable(
            "the Lambda function: it cannot read the landing zone, which these credentials can; "
            "check its role"
        )

    def _rejected(self, file: FileVersion, reason: Reason) -> Tables:
        tables = self._plan.tables()
        tables.reject(file, reason)
        return tables.finish()


def _batches(files: Iterator[FileVersion], concurrency: int) -> Iterator[Sequence[FileVersion]]:
    """Files in batches; of few files small ones, so that they are read side by side."""
    some = list(islice(files, concurrency * MOST_FILES))
    most = min(MOST_FILES, max(FEWEST_FILES, -(-len(some) // concurrency)))
    batch: list[FileVersion] = []
    size = 0
    for file in chain(some, files):
        counted = min(file.size, MOST_OF_A_FILE)
        if batch and (len(batch) >= most or size + counted > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += counted
    if batch:
        yield batch


def _parts(job: _Job) -> list[_Job]:
    size = -(-len(job.files) // PARTS)
    return [
        _Job(f"{job.name}-{number}", job.files[start : start + size])
        for number, start in enumerate(range(0, len(job.files), size))
    ]


def clear_batches(raw: S3Location) -> int:
    """Delete what killed runs left between Lambda and here; the caller holds the lock.

    Returns
    -------
    int
        Number of objects.

    Raises
    ------
    StorageUnavailable
        The raw zone cannot be listed or written.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    client, cleared = s3.client(), 0
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=raw.bucket, Prefix=raw.prefix + BATCHES
    )
    try:
        for page in pages:
            keys = [{"Key": entry["Key"]} for entry in page.get("Contents", ())]
            if keys:
                client.delete_objects(Bucket=raw.bucket, Delete={"Objects": keys, "Quiet": True})
            cleared += len(keys)
    except (BotoCoreError, ClientError) as error:
        raise s3.unavailable(error, _ZONE, "written") from None
    return cleared
