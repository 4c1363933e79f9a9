"""Raw step: update of many partitions of the raw zone to match their manifests.

Belongs here: the distribution of partitions and files over workers, and the order.
Does not belong here: processes (pool), AWS Lambda (lambda_.pool), one partition (partition), the
Dagster asset (orchestration.assets.raw).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from dicom_pipeline.common.private_files import LOCAL_WRITER
from dicom_pipeline.extract.partition import PartitionReport, Partitions, Work
from dicom_pipeline.extract.pool import process_partitions, read_headers
from dicom_pipeline.extract.raw_zone.rows import carry_over, paths_of, split_by_partition
from dicom_pipeline.extract.tables import WITH_FILES, Tables
from dicom_pipeline.extract.worker import WorkerPlan
from dicom_pipeline.landing.storage import FileVersion

# files of a partition that one worker processes: it holds all its rows in memory
MAX_FILES_PER_WORKER_PARTITION = 4_000
# such a partition has at most this fraction (1/n) of a worker's share of all files, so that no
# worker is still busy when the others have finished
_SHARES = 4

Progress = Callable[[int, int], None]


class ReadHeaders(Protocol):
    """Function that reads the headers of files in any order; see `pool.read_headers`."""

    def __call__(
        self, files: Iterable[FileVersion], plan: WorkerPlan, *, workers: int
    ) -> Iterator[Tables]:
        """Read the headers of files."""
        ...


class _PartitionReads:
    """Partitions whose files are being read in chunks."""

    def __init__(self) -> None:
        self._works: dict[str, Work] = {}
        self._unread: dict[str, int] = {}
        self._owners: dict[str, list[str]] = {}

    def begin(self, work: Work) -> Iterator[FileVersion]:
        """Start a partition; yield its files to read, except files that are already being read."""
        self._works[work.period] = work
        self._unread[work.period] = len(work.to_read)
        for file in work.to_read:
            owners = self._owners.setdefault(file.path, [])
            owners.append(work.period)
            if len(owners) == 1:
                yield file

    def take(self, chunk: Tables) -> list[Work]:
        """Add the rows of a chunk to their partitions; return the complete partitions."""
        complete = []
        for period, part in split_by_partition(chunk, self._owners).items():
            work = self._works[period]
            work.parts.append(part)
            self._unread[period] -= sum(part[name].num_rows for name in WITH_FILES)
            if not self._unread[period]:
                complete.append(self._works.pop(period))
        for path in paths_of(chunk):
            del self._owners[path]
        return complete

    def check_complete(self) -> None:
        """Raise ``RuntimeError`` if a partition is incomplete after all files were read."""
        if self._works:
            raise RuntimeError(f"{len(self._works)} partitions lack rows of files that were read")


class RawStep:
    """The raw step of the pipeline.

    Parameters
    ----------
    partitions
        The required and the current state.
    plan
        Settings of the worker processes.
    workers
        Number of worker processes.
    progress
        Called with the number of up-to-date files and the number of all files.
    remote_reader
        Reads headers instead of local worker processes (AWS Lambda); None for local processes.
    """

    def __init__(
        self,
        partitions: Partitions,
        plan: WorkerPlan,
        *,
        workers: int,
        progress: Progress | None = None,
        remote_reader: ReadHeaders | None = None,
    ) -> None:
        self.partitions = partitions
        self.plan = plan
        self.workers = workers
        self.progress = progress
        self.remote_reader = remote_reader
        self._done = self._total = 0

    def refresh(self, periods: Sequence[str], *, force: bool = False) -> Iterator[PartitionReport]:
        """Update partitions to match their manifests; up-to-date partitions are only checked.

        Parameters
        ----------
        periods
            Keys of the partitions.
        force
            Read every file again.

        Yields
        ------
        PartitionReport
            One per partition as soon as it is written, in no particular order; partitions without
            files come last.
        """
        partitions = self.partitions
        partitions.raw.write_schemas()
        sizes = {period: partitions.manifests.count(period) for period in periods}
        self._done, self._total = 0, sum(sizes.values())
        sources = self._source_partitions(periods) if not force else {}
        stale = {}
        for period, size in sizes.items():
            report = partitions.up_to_date(period) if size and not force else None
            if report is not None:
                self._report_progress(size)
                yield report
            elif size:
                stale[period] = size
        # source partitions and tombstones make partitions depend on each other; a bucket may be
        # written only by the process that holds its lock
        independent = not sources and not partitions.tombstones.tombstones
        independent = independent and partitions.raw.writer is LOCAL_WRITER
        independent = independent and self.remote_reader is None
        most = min(
            MAX_FILES_PER_WORKER_PARTITION, -(-sum(stale.values()) // (self.workers * _SHARES))
        )
        alone = {period: size for period, size in stale.items() if independent and size <= most}
        rest = [period for period in stale if period not in alone]
        if alone:
            for period, report in process_partitions(
                alone, self.plan, workers=self.workers, force=force
            ):
                if report is None:
                    rest.append(period)
                else:
                    self._report_progress(alone[period])
                    yield report
        yield from self._in_chunks(rest, sources, force=force)
        yield from self._remove([period for period, size in sizes.items() if not size])

    def _in_chunks(
        self, periods: Sequence[str], sources: dict[str, str], *, force: bool
    ) -> Iterator[PartitionReport]:
        """Read the files of partitions in all workers, and write the partitions in this process."""
        reading = _PartitionReads()
        finish = self.partitions.finish
        finished: list[PartitionReport] = []

        def to_read() -> Iterator[FileVersion]:
            for period in periods:
                work = self.partitions.plan(period, force=force)
                self._move_rows(work, sources)
                self._report_progress(len(work.files) - len(work.to_read))
                if work.to_read:
                    yield from reading.begin(work)
                else:
                    finished.append(finish(work))

        # a partition is written while others are read
        read = self.remote_reader or read_headers
        for chunk in read(to_read(), self.plan, workers=self.workers):
            self._report_progress(sum(chunk[name].num_rows for name in WITH_FILES))
            finished.extend(map(finish, reading.take(chunk)))
            yield from finished
            finished.clear()
        reading.check_complete()
        yield from finished

    def _report_progress(self, files: int) -> None:
        self._done += files
        if self.progress and files:
            self.progress(self._done, self._total)

    def _source_partitions(self, periods: Sequence[str]) -> dict[str, str]:
        """Return files whose rows are in partitions that have no files any more.

        This happens when DICOM_PARTITION_BY was changed, which moves all files.

        Returns
        -------
        dict of str to str
            Key of the partition with the rows, by path of the file.
        """
        partitions = self.partitions
        sources: dict[str, str] = {}
        for period in periods:
            if (
                partitions.manifests.count(period)
                or partitions.raw.reader_version(period) != partitions.reader_version
            ):
                continue
            for name in WITH_FILES:
                table = partitions.raw.read(name, period, ["file_path"])
                paths = table["file_path"].to_pylist() if table is not None else []
                sources.update(dict.fromkeys(paths, period))
        return sources

    def _move_rows(self, work: Work, sources: dict[str, str]) -> None:
        """Copy rows of unchanged files from their source partitions instead of reading them."""
        wanted: dict[str, list[FileVersion]] = {}
        for file in work.to_read:
            if file.path in sources:
                wanted.setdefault(sources[file.path], []).append(file)
        moved: set[str] = set()
        for period, files in wanted.items():
            stored = self.partitions.raw.read_all(period)
            if stored is None:
                continue
            part = carry_over(stored, files)
            work.parts.append(part)
            moved |= paths_of(part)
        work.carried_files += len(moved)
        work.to_read = [file for file in work.to_read if file.path not in moved]

    def _remove(self, emptied: Sequence[str]) -> Iterator[PartitionReport]:
        """Remove partitions without files.

        With ``DICOM_ON_DELETE=keep``, a partition with the only copy of a row is kept until the
        partition that its file moved to has the row.
        """
        partitions = self.partitions
        awaited: set[str] = set()
        if partitions.keep_deleted and emptied:
            for period in partitions.manifests.periods():
                rows = partitions.manifests.read(period)
                if partitions.raw.version(period) != partitions.version_of_rows(rows):
                    awaited.update(row.file.path for row in rows)
        for period in emptied:
            report = PartitionReport(period, partitions.version_without_files)
            stored = partitions.raw.read_all(period) if awaited else None
            if stored is None or awaited.isdisjoint(paths_of(stored)):
                partitions.remove(period)
                report.removed = True
            yield report
