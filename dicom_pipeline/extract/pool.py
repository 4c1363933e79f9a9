"""Extraction in parallel worker processes; a hostile file affects only itself.

Belongs here: processes, chunks, crashes, timeouts and memory limits.
Does not belong here: the work in a process (worker), use of the rows (raw_step).
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager, suppress
from importlib.abc import MetaPathFinder
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from pebble import ProcessExpired, ProcessPool

from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.common.pydicom_logging import silence_pydicom
from dicom_pipeline.common.spawn import SpawnContextWithoutMain
from dicom_pipeline.extract.partition import PartitionReport
from dicom_pipeline.extract.tables import Tables
from dicom_pipeline.extract.worker import Worker, WorkerPlan
from dicom_pipeline.headers.reader import RejectReason
from dicom_pipeline.landing.storage import FileVersion

LARGEST_CHUNK = 200
# chunks queued per worker, so that no worker idles while rows are written
QUEUED_PER_WORKER = 8
SECONDS_PER_FILE = 30.0
# bytes that a worker may allocate after its start; known headers need less than a tenth
MEMORY = 2 << 30

_worker: Worker
J = TypeVar("J")
R = TypeVar("R")


class _WithoutPandas(MetaPathFinder):
    """Import hook that hides pandas: pyarrow imports it at the first conversion, in a second."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def _start_worker(plan: WorkerPlan) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops its workers itself
    _die_with_parent()
    sys.meta_path.insert(0, _WithoutPandas())
    silence_pydicom()
    _worker = Worker(plan)
    _worker.tables.finish()  # Arrow allocates at first use: before the limit is set
    _limit_memory()


def _limit_memory() -> None:
    """Limit the memory that files can make this worker allocate (Linux only)."""
    with suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[5])
        most = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _die_with_parent() -> None:
    """Make the kernel kill this process when its parent dies (Linux only)."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            pr_set_pdeathsig = 1
            ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _read_chunk(files: Sequence[FileVersion]) -> dict[str, bytes]:
    with _exit_without_memory():
        return {name: _to_ipc(table) for name, table in _worker.read(files).items()}


def _process_partition(period: str, force: bool) -> PartitionReport | None:
    with _exit_without_memory():
        return _worker.process_partition(period, force=force)


@contextmanager
def _exit_without_memory() -> Iterator[None]:
    """Exit the process if it runs out of memory: its allocations would affect the next file."""
    try:
        yield
    except MemoryError:
        os._exit(1)


def _to_ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _from_ipc(data: bytes) -> pa.Table:
    return pa.ipc.open_stream(data).read_all()


def process_partitions(
    periods: Mapping[str, int],
    plan: WorkerPlan,
    *,
    workers: int,
    force: bool = False,
    seconds_per_file: float = SECONDS_PER_FILE,
) -> Iterator[tuple[str, PartitionReport | None]]:
    """Update partitions to match their manifests, each in one process, the largest first.

    Parameters
    ----------
    periods
        Number of files of each partition, by its key.
    plan
        Settings of the workers.
    workers
        Number of processes.
    force
        Read every file again.
    seconds_per_file
        Seconds allowed for a partition, plus the same again for every hundred files.

    Yields
    ------
    tuple
        Key and report of a partition. The report is None if the partition needs others, or if its
        worker failed, died or timed out: its files must then be read by `read_headers`.
    """
    order = iter(sorted(periods, key=lambda period: (-periods[period], period)))
    with _pool(plan, min(workers, len(periods))) as pool:

        def submit(period: str) -> Future[PartitionReport | None]:
            # shorter than for chunks: after a timeout here, the files are read in chunks
            timeout = seconds_per_file * (1 + periods[period] / 100)
            return pool.schedule(_process_partition, args=(period, force), timeout=timeout)

        for period, future in as_completed(
            lambda: next(order, None), submit, workers * QUEUED_PER_WORKER
        ):
            try:
                yield period, future.result()
            except Exception:  # noqa: BLE001 - reading in chunks meets and handles the same error
                yield period, None


def read_headers(
    files: Iterable[FileVersion],
    plan: WorkerPlan,
    *,
    workers: int,
    seconds_per_file: float = SECONDS_PER_FILE,
) -> Iterator[Tables]:
    """Read the headers of files, in no particular order.

    Files are taken from the iterable lazily: a generator may depend on rows yielded before.

    Parameters
    ----------
    files
        Files to read.
    plan
        Settings of the workers.
    workers
        Number of processes.
    seconds_per_file
        A file that takes longer is rejected with the reason ``timeout``.

    Yields
    ------
    dict of str to pyarrow.Table
        Rows of the raw tables for one chunk of files.

    Raises
    ------
    StorageUnavailable
        The landing zone cannot be read.
    """
    remaining = _chunks(iter(files), workers)
    first = list(islice(remaining, workers))
    chunks = chain(first, remaining)
    retries: list[Sequence[FileVersion]] = []

    def take() -> Sequence[FileVersion] | None:
        if retries:
            return retries.pop()
        return next(chunks, None)

    with _pool(plan, len(first)) as pool:

        def submit(chunk: Sequence[FileVersion]) -> Future[dict[str, bytes]]:
            timeout = seconds_per_file * (1 + len(chunk) / 10)
            return pool.schedule(_read_chunk, args=(chunk,), timeout=timeout)

        for chunk, future in as_completed(take, submit, workers * QUEUED_PER_WORKER):
            tables = _result(future, chunk, plan)
            if tables is None:  # one of the files is the cause: read each on its own
                retries += [[file] for file in chunk]
            else:
                yield tables


def _chunks(files: Iterator[FileVersion], workers: int) -> Iterator[Sequence[FileVersion]]:
    """Group files into chunks; few files give small chunks, so that all workers have work."""
    some = list(islice(files, workers * 4 * LARGEST_CHUNK))
    size = min(LARGEST_CHUNK, max(1, -(-len(some) // (workers * 4))))
    for i in range(0, len(some), size):
        yield some[i : i + size]
    while chunk := list(islice(files, LARGEST_CHUNK)):
        yield chunk


@contextmanager
def _pool(plan: WorkerPlan, processes: int) -> Iterator[ProcessPool]:
    """Return a pool of worker processes; they start with the first job."""
    context = SpawnContextWithoutMain()
    with ProcessPool(
        max_workers=max(processes, 1),
        initializer=_start_worker,
        initargs=(plan,),
        context=context,
    ) as pool:
        try:
            yield pool
        finally:
            # All results are here, or unwanted: Ctrl-C, or the consumer stopped early. Pebble
            # removes its locks before it stops the workers, and one that still starts would print
            # that it misses them.
            pool.stop()  # type: ignore[no-untyped-call]
            context.terminate()


def as_completed(
    take: Callable[[], J | None], submit: Callable[[J], Future[R]], limit: int
) -> Iterator[tuple[J, Future[R]]]:
    """Yield jobs as they complete; completed jobs may add new ones.

    Parameters
    ----------
    take
        Returns the next job; None if there is none at the moment.
    submit
        Starts a job.
    limit
        Maximum number of jobs submitted at the same time.

    Yields
    ------
    tuple
        A job and its completed future.
    """
    pending: dict[Future[R], J] = {}
    while True:
        while len(pending) < limit and (job := take()) is not None:
            pending[submit(job)] = job
        if not pending:
            return
        for future in wait(pending, return_when=FIRST_COMPLETED).done:
            yield pending.pop(future), future


def _result(
    future: Future[dict[str, bytes]], chunk: Sequence[FileVersion], plan: WorkerPlan
) -> Tables | None:
    """Return the tables of a chunk; None if it failed and must be read file by file."""
    try:
        return {name: _from_ipc(data) for name, data in future.result().items()}
    except StorageUnavailable:
        raise
    except TimeoutError:
        reason = RejectReason.TIMEOUT
    except (ProcessExpired, MemoryError):
        reason = RejectReason.WORKER_CRASHED
    except Exception:  # noqa: BLE001 - for example rows that Arrow cannot convert
        reason = RejectReason.DECODE_ERROR
    if len(chunk) > 1:
        return None
    tables = plan.tables()
    tables.reject(chunk[0], reason)
    return tables.finish()
