"""Work in parallel processes, so that a hostile file costs itself only.

Belongs here: processes, chunks, crashes and time-outs.
Does not belong here: what a process does (worker), and what is done with the rows (raw_step).
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager, suppress
from importlib.abc import MetaPathFinder
from itertools import chain, islice
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import pyarrow as pa
from pebble import ProcessExpired, ProcessPool

from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.common.pydicom_logging import silence_pydicom
from dicom_pipeline.extract.partition import PartitionReport
from dicom_pipeline.extract.tables import Tables
from dicom_pipeline.extract.worker import Worker, WorkerPlan
from dicom_pipeline.headers.reader import Reason
from dicom_pipeline.landing.storage import FileVersion

LARGEST_CHUNK = 200
AHEAD = 8  # chunks a worker that wait, so that none idles while rows are written
SECONDS_A_FILE = 30.0
# bytes that a worker may take beyond what it has at its start; no header known needs a tenth
MEMORY = 2 << 30

_worker: Worker
J = TypeVar("J")
R = TypeVar("R")


class _Process(SpawnProcess):
    """A process that does not import the parent's main module.

    Spawning does that for what is pickled from there; nothing of ours is, and with ``dagster`` as
    the main module it would cost each worker seconds.
    """

    _starting = threading.Lock()

    def start(self) -> None:
        with self._starting:
            main = sys.modules["__main__"]
            sys.modules["__main__"] = ModuleType("__main__")
            try:
                super().start()
            finally:
                sys.modules["__main__"] = main


class _Context(SpawnContext):
    Process = _Process


class _WithoutPandas(MetaPathFinder):
    """pyarrow looks for pandas at the first conversion; importing it would cost a second."""

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
    _worker.tables.finish()  # what Arrow sets aside at its first use is no file's
    _bound_memory()


def _bound_memory() -> None:
    """Have the kernel refuse a worker more than its share (Linux only): a file is to blame."""
    with suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[5])
        most = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _die_with_parent() -> None:
    """Have the kernel end this process when a killed parent leaves it behind (Linux only)."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            pr_set_pdeathsig = 1
            ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _read_chunk(files: Sequence[FileVersion]) -> dict[str, bytes]:
    with _or_end():
        return {name: _to_ipc(table) for name, table in _worker.read(files).items()}


def _process_partition(period: str, force: bool) -> PartitionReport | None:
    with _or_end():
        return _worker.process_partition(period, force=force)


@contextmanager
def _or_end() -> Iterator[None]:
    """End the process that ran out of memory: what it holds counts against the next file."""
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


def process_partition(
    periods: Mapping[str, int],
    plan: WorkerPlan,
    *,
    workers: int,
    force: bool = False,
    seconds_a_file: float = SECONDS_A_FILE,
) -> Iterator[tuple[str, PartitionReport | None]]:
    """Bring partitions up to their manifests, each in one process, the largest first.

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
    seconds_a_file
        A hundred files may take so long, and each further hundred as long again.

    Yields
    ------
    tuple
        Key, and report; None for a partition that a worker cannot do alone, or that it died of,
        or that some error came in the way of: its files must be read apart.
    """
    order = iter(sorted(periods, key=lambda period: (-periods[period], period)))
    with _pool(plan, min(workers, len(periods))) as pool:

        def submit(period: str) -> Future[PartitionReport | None]:
            # shorter than for chunks: what takes too long here has another try there
            timeout = seconds_a_file * (1 + periods[period] / 100)
            return pool.schedule(_process_partition, args=(period, force), timeout=timeout)

        for period, future in as_completed(lambda: next(order, None), submit, workers * AHEAD):
            try:
                yield period, future.result()
            except Exception:  # noqa: BLE001 - whatever it was, what reads apart comes upon it too
                yield period, None


def read_headers(
    files: Iterable[FileVersion],
    plan: WorkerPlan,
    *,
    workers: int,
    seconds_a_file: float = SECONDS_A_FILE,
) -> Iterator[Tables]:
    """Read the headers of files, in no particular order.

    Files are taken as workers come to them, so what makes them may look at what was yielded.

    Parameters
    ----------
    files
        What to read.
    plan
        Settings of the workers.
    workers
        Number of processes.
    seconds_a_file
        A file that takes longer is rejected with ``timeout``.

    Yields
    ------
    dict of str to pyarrow.Table
        Rows of the raw tables, for a chunk of the files.
    """
    coming = _chunks(iter(files), workers)
    first = list(islice(coming, workers))
    chunks = chain(first, coming)
    again: list[Sequence[FileVersion]] = []

    def take() -> Sequence[FileVersion] | None:
        if again:
            return again.pop()
        return next(chunks, None)

    with _pool(plan, len(first)) as pool:

        def submit(chunk: Sequence[FileVersion]) -> Future[dict[str, bytes]]:
            timeout = seconds_a_file * (1 + len(chunk) / 10)
            return pool.schedule(_read_chunk, args=(chunk,), timeout=timeout)

        for chunk, future in as_completed(take, submit, workers * AHEAD):
            tables = _result(future, chunk, plan)
            if tables is None:  # one of them did it: each on its own
                again += [[file] for file in chunk]
            else:
                yield tables


def _chunks(files: Iterator[FileVersion], workers: int) -> Iterator[Sequence[FileVersion]]:
    """Chunks of files; of few files small ones, so that no worker idles."""
    some = list(islice(files, workers * 4 * LARGEST_CHUNK))
    size = min(LARGEST_CHUNK, max(1, -(-len(some) // (workers * 4))))
    for i in range(0, len(some), size):
        yield some[i : i + size]
    while chunk := list(islice(files, LARGEST_CHUNK)):
        yield chunk


@contextmanager
def _pool(plan: WorkerPlan, processes: int) -> Iterator[ProcessPool]:
    """So many workers; none is started before the first job."""
    with ProcessPool(
        max_workers=max(processes, 1),
        initializer=_start_worker,
        initargs=(plan,),
        context=_Context(),
    ) as pool:
        try:
            yield pool
        except BaseException:
            # do not wait for work that nobody will take: Ctrl-C, or a consumer that stops early
            pool.stop()  # type: ignore[no-untyped-call]
            raise


def as_completed(
    take: Callable[[], J | None], submit: Callable[[J], Future[R]], ahead: int
) -> Iterator[tuple[J, Future[R]]]:
    """Jobs as they end, so many at once; what is taken next may depend on those that ended.

    Parameters
    ----------
    take
        The next job; None while there is none.
    submit
        Begins a job.
    ahead
        Jobs that are under way at the same time.

    Yields
    ------
    tuple
        A job, and its future, which is done.
    """
    pending: dict[Future[R], J] = {}
    while True:
        while len(pending) < ahead and (job := take()) is not None:
            pending[submit(job)] = job
        if not pending:
            return
        for future in wait(pending, return_when=FIRST_COMPLETED).done:
            yield pending.pop(future), future


def _result(
    future: Future[dict[str, bytes]], chunk: Sequence[FileVersion], plan: WorkerPlan
) -> Tables | None:
    """Tables of a chunk; None when its worker died or hung and another file may be to blame."""
    try:
        return {name: _from_ipc(data) for name, data in future.result().items()}
    except StorageUnavailable:
        raise
    except TimeoutError:
        reason = Reason.TIMEOUT
    except (ProcessExpired, MemoryError):
        reason = Reason.WORKER_CRASHED
    except Exception:  # noqa: BLE001 - rows that Arrow refuses, say
        reason = Reason.DECODE_ERROR
    if len(chunk) > 1:
        return None
    tables = plan.tables()
    tables.reject(chunk[0], reason)
    return tables.finish()
