"""Extraction of headers by concurrent calls of an AWS Lambda function.

Belongs here: batches, concurrency, splitting of failed batches, the objects with the rows.
Does not belong here: one call (call), the function (handler), use of the rows (raw_step).

The rows are the same as those of local worker processes. A failed batch is split and read again,
down to single files, which are then rejected: a hostile file affects only itself. A failure that
does not depend on the files stops the step and rejects no file.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import chain, count, islice
from uuid import uuid4

from dicom_pipeline.common import aws
from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.config.locations import BATCHES, S3Location
from dicom_pipeline.extract.lambda_.batch import SUFFIX, Batch, unpack
from dicom_pipeline.extract.lambda_.call import LambdaCall
from dicom_pipeline.extract.pool import as_completed
from dicom_pipeline.extract.raw_zone.rows import paths_of, unreadable_paths
from dicom_pipeline.extract.tables import REJECTED, Tables
from dicom_pipeline.extract.worker import WorkerPlan
from dicom_pipeline.headers.reader import RejectReason
from dicom_pipeline.landing.factory import open_storage
from dicom_pipeline.landing.storage import FileVersion

MAX_BATCH_FILES = 500
MAX_BATCH_BYTES = 256 << 20
# only the header of a file is fetched: a larger file counts as this many bytes
MAX_COUNTED_BYTES_PER_FILE = 1 << 20
MIN_BATCH_FILES = 25
PARTS = 8
_FETCHES = 16
_ZONE = "the raw zone"
_WRONG_RESULT = "the Lambda function: it wrote other rows than requested; deploy it again"


@dataclass(frozen=True)
class _Job:
    """Files of a batch; the name of a split batch starts with the name of the original one."""

    name: str
    files: Sequence[FileVersion]


class LambdaPool:
    """Reads headers by calls of an AWS Lambda function.

    Parameters
    ----------
    function
        Name or ARN of the function.
    raw
        The raw zone; its folder `BATCHES` holds the rows until they are fetched.
    concurrency
        Maximum number of concurrent calls.
    kms_key
        Id of the KMS key for the objects; None for the default encryption of the bucket.
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
            Files to read; only the calling thread iterates over them.
        plan
            Settings of the workers, which the function must have too.
        workers
            Not used: `concurrency` limits the calls.

        Yields
        ------
        dict of str to pyarrow.Table
            Rows of the raw tables for one batch.

        Raises
        ------
        StorageUnavailable
            A failure that does not depend on the files.
        """
        remaining = iter(files)
        first = next(remaining, None)
        if first is None:
            return  # no files: no call and no request
        clear_batches(self.raw)
        with closing(_Session(self, plan)) as session:
            session.probe()
            yield from session.read(chain([first], remaining))


class _Session:
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
        """Start no more calls; running calls are not interrupted."""
        self._call.stop()

    def probe(self) -> None:
        """Check the function and its version first, so that no file is rejected because of it."""
        failure = self._call(self._batch(_Job("probe", ())))
        if failure is not None:
            raise StorageUnavailable(
                "the Lambda function: it fails without any file; check its memory and timeout"
            )

    def read(self, files: Iterator[FileVersion]) -> Iterator[Tables]:
        """Yield the rows of files, one batch at a time."""
        batches = _batches(files, self._pool.concurrency)
        retries: list[_Job] = []

        def take() -> _Job | None:
            if retries:
                return retries.pop()
            batch = next(batches, None)
            return None if batch is None else _Job(str(next(self._numbers)), batch)

        # twice the concurrency: results wait here while the caller writes rows
        for job, future in as_completed(take, self._submit, 2 * self._pool.concurrency):
            outcome = future.result()
            if not isinstance(outcome, RejectReason):
                yield outcome
            elif len(job.files) == 1:
                yield self._rejected(job.files[0], outcome)
            else:
                retries += _split(job)

    def _submit(self, job: _Job) -> Future[Tables | RejectReason]:
        """Start a batch in a daemon thread, which does not delay the end of the process."""
        future: Future[Tables | RejectReason] = Future()
        threading.Thread(target=self._run, args=(job, future), daemon=True).start()
        return future

    def _run(self, job: _Job, future: Future[Tables | RejectReason]) -> None:
        try:
            future.set_result(self._rows(job))
        except BaseException as error:  # noqa: BLE001 - raised in the waiting thread
            future.set_exception(error)

    def _rows(self, job: _Job) -> Tables | RejectReason:
        batch = self._batch(job)
        with self._calls:
            failure = self._call(batch)
        with self._fetches:
            if failure is not None:
                self._delete(batch)  # the function may have written it before it failed
                return failure
            tables = self._fetch(batch)
        unreadable = unreadable_paths(tables[REJECTED])
        if len(unreadable) == len(batch.files):
            self._check_permissions(batch.files[0])
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
            self._plan.allow_missing_uids,
        )

    def _fetch(self, batch: Batch) -> Tables:
        """Read the rows of a batch from the bucket, and delete the object."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            _, data = aws.get_object(batch.where)
            self._delete(batch)
        except (BotoCoreError, ClientError) as error:
            raise aws.unavailable(error, _ZONE, "read") from None
        try:
            tables = unpack(data)
        except ValueError:
            raise StorageUnavailable(_WRONG_RESULT) from None
        schemas = {name: table.schema for name, table in tables.items()}
        if schemas != self._schemas or paths_of(tables) != {file.path for file in batch.files}:
            raise StorageUnavailable(_WRONG_RESULT)
        return tables

    @staticmethod
    def _delete(batch: Batch) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        with suppress(BotoCoreError, ClientError):  # the next step deletes remaining objects
            aws.client().delete_object(**batch.where)

    def _check_permissions(self, file: FileVersion) -> None:
        """Raise if a file that the function could not open can be opened here."""
        try:
            open_storage(self._landing).open(file.path, file.etag).close()
        except OSError:
            return
        raise StorageUnavailable(
            "the Lambda function: it cannot read the landing zone, which these credentials can; "
            "check its role"
        )

    def _rejected(self, file: FileVersion, reason: RejectReason) -> Tables:
        tables = self._plan.tables()
        tables.reject(file, reason)
        return tables.finish()


def _batches(files: Iterator[FileVersion], concurrency: int) -> Iterator[Sequence[FileVersion]]:
    """Group files into batches; few files give small batches, so that all calls have work."""
    some = list(islice(files, concurrency * MAX_BATCH_FILES))
    most = min(MAX_BATCH_FILES, max(MIN_BATCH_FILES, -(-len(some) // concurrency)))
    batch: list[FileVersion] = []
    size = 0
    for file in chain(some, files):
        counted = min(file.size, MAX_COUNTED_BYTES_PER_FILE)
        if batch and (len(batch) >= most or size + counted > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += counted
    if batch:
        yield batch


def _split(job: _Job) -> list[_Job]:
    size = -(-len(job.files) // PARTS)
    return [
        _Job(f"{job.name}-{number}", job.files[start : start + size])
        for number, start in enumerate(range(0, len(job.files), size))
    ]


def clear_batches(raw: S3Location) -> int:
    """Delete objects with rows that killed runs left; the caller holds the write lock.

    Returns
    -------
    int
        Number of deleted objects.

    Raises
    ------
    StorageUnavailable
        The raw zone cannot be listed or written.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    client, cleared = aws.client(), 0
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
        raise aws.unavailable(error, _ZONE, "written") from None
    return cleared
