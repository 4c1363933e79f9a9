"""Reading many headers in parallel processes, so that a hostile file costs itself only.

Belongs here: workers, chunks, crashes and time-outs.
Does not belong here: what is done with the rows (partition), and how a header is read (readers).
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from itertools import chain, islice
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from types import ModuleType

import pyarrow as pa
from pebble import ProcessExpired, ProcessPool

from dicom_pipeline.attributes import Reading, load_mapping
from dicom_pipeline.extract.identity import IdentityTerms
from dicom_pipeline.extract.pydicom_reader import PydicomReader
from dicom_pipeline.extract.reader import HeaderReader, Reason, Rejected
from dicom_pipeline.extract.tables import ChunkTables
from dicom_pipeline.extract.witness import WitnessedReader
from dicom_pipeline.identity_attributes import IDENTITY_CSV, load_identity_attributes
from dicom_pipeline.landing.directory import DirectoryStorage
from dicom_pipeline.landing.storage import FileVersion
from dicom_pipeline.pydicom_quiet import silence_pydicom
from dicom_pipeline.settings import Reader

LARGEST_CHUNK = 200
AHEAD = 8  # chunks a worker that wait, so that none idles while rows are written
SECONDS_A_FILE = 30.0

Tables = dict[str, pa.Table]
_READERS: dict[Reader, Callable[[Sequence[Reading]], HeaderReader]] = {
    Reader.FAST: WitnessedReader,
    Reader.PYDICOM: PydicomReader,
}


@dataclass(frozen=True)
class WorkerPlan:
    """What a worker process needs to know; it is sent to it once."""

    landing_dir: Path
    mapping_csv: Path
    reader: Reader = Reader.FAST
    identity_csv: Path = IDENTITY_CSV

    def tables(self) -> ChunkTables:
        """Read the seeds, for what makes the tables of a chunk."""
        mapping = load_mapping(self.mapping_csv)
        return ChunkTables(mapping, IdentityTerms(load_identity_attributes(self.identity_csv)))


class _Worker:
    """State of one worker process."""

    current: _Worker

    def __init__(self, plan: WorkerPlan) -> None:
        self.storage = DirectoryStorage(plan.landing_dir)
        self.tables = plan.tables()
        self.reader = _READERS[plan.reader](self.tables.readings)

    def read(self, files: Sequence[FileVersion]) -> dict[str, bytes]:
        tables = self.tables
        tables.begin()  # whatever became of the chunk before
        for file in files:
            try:
                opened = self.storage.open(file.path)
                try:
                    tables.add(file, self.reader.read(opened))
                finally:
                    opened.close()
            except Rejected as rejected:
                tables.reject(file, rejected.reason)
            except OSError:
                tables.reject(file, Reason.UNREADABLE)
            except MemoryError:
                raise  # this process is no longer to be trusted: the file is read again, alone
            except Exception:  # noqa: BLE001 - no file may cost others their rows
                tables.reject(file, Reason.DECODE_ERROR)
        return {name: _to_ipc(table) for name, table in tables.finish().items()}


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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops its workers itself
    _die_with_parent()
    sys.meta_path.insert(0, _WithoutPandas())
    silence_pydicom()
    _Worker.current = _Worker(plan)


def _die_with_parent() -> None:
    """Have the kernel end this process when a killed parent leaves it behind (Linux only)."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            pr_set_pdeathsig = 1
            ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _read_chunk(files: Sequence[FileVersion]) -> dict[str, bytes]:
    return _Worker.current.read(files)


def _to_ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _from_ipc(data: bytes) -> pa.Table:
    return pa.ipc.open_stream(data).read_all()


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
    chunks = _chunks(iter(files), workers)
    first = list(islice(chunks, workers))
    if not first:
        return
    with (
        ProcessPool(
            max_workers=len(first),
            initializer=_start_worker,
            initargs=(plan,),
            context=_Context(),
        ) as pool,
        _stopped_on_error(pool),
    ):

        def submit(chunk: Sequence[FileVersion]) -> Future[dict[str, bytes]]:
            timeout = seconds_a_file * (1 + len(chunk) / 10)
            return pool.schedule(_read_chunk, args=(chunk,), timeout=timeout)

        chunks = chain(first, chunks)
        again: list[Sequence[FileVersion]] = []
        pending: dict[Future[dict[str, bytes]], Sequence[FileVersion]] = {}
        while True:
            while len(pending) < workers * AHEAD:
                chunk = again.pop() if again else next(chunks, [])
                if not chunk:
                    break
                pending[submit(chunk)] = chunk
            if not pending:
                return
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                chunk = pending.pop(future)
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
def _stopped_on_error(pool: ProcessPool) -> Iterator[None]:
    """Do not wait for work that nobody will take: Ctrl-C, or a consumer that stops early."""
    try:
        yield
    except BaseException:
        pool.stop()  # type: ignore[no-untyped-call]
        raise


def _result(
    future: Future[dict[str, bytes]], chunk: Sequence[FileVersion], plan: WorkerPlan
) -> Tables | None:
    """Tables of a chunk; None when its worker died or hung and another file may be to blame."""
    try:
        return {name: _from_ipc(data) for name, data in future.result().items()}
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
