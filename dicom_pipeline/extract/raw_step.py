"""Bring many partitions of the raw zone up to their manifests.

Belongs here: which partitions a worker does alone and which are read in pieces, in what order.
Does not belong here: processes (pool), AWS Lambda (lambda_pool), what one partition needs
(partition), and who asks for it (orchestration).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from dicom_pipeline.common.private_files import LOCAL_WRITER
from dicom_pipeline.extract.partition import PartitionReport, Partitions, Work
from dicom_pipeline.extract.pool import process_partition, read_headers
from dicom_pipeline.extract.raw_zone.rows import carry_over, parted, paths_of
from dicom_pipeline.extract.tables import WITH_FILES, Tables
from dicom_pipeline.extract.worker import WorkerPlan
from dicom_pipeline.landing.storage import FileVersion

# a worker holds all rows of the partition that it does alone
LARGEST_ALONE = 4_000
_SHARES = 4  # a partition of more than such a part of a worker's work would keep others waiting

Progress = Callable[[int, int], None]


class ReadHeaders(Protocol):
    """Reads the headers of files, in no particular order; see `pool.read_headers`."""

    def __call__(
        self, files: Iterable[FileVersion], plan: WorkerPlan, *, workers: int
    ) -> Iterator[Tables]:
        """Read them."""
        ...


class _Reading:
    """Partitions whose files are being read in pieces."""

    def __init__(self) -> None:
        self._works: dict[str, Work] = {}
        self._unread: dict[str, int] = {}
        self._owners: dict[str, list[str]] = {}

    def begin(self, work: Work) -> Iterator[FileVersion]:
        """The files that must be read for a partition, and for no other that is under way."""
        self._works[work.period] = work
        self._unread[work.period] = len(work.to_read)
        for file in work.to_read:
            owners = self._owners.setdefault(file.path, [])
            owners.append(work.period)
            if len(owners) == 1:
                yield file

    def take(self, chunk: Tables) -> list[Work]:
        """Give the rows of a chunk to their partitions; returns those that have all now."""
        whole = []
        for period, part in parted(chunk, self._owners).items():
            work = self._works[period]
            work.parts.append(part)
            self._unread[period] -= sum(part[name].num_rows for name in WITH_FILES)
            if not self._unread[period]:
                whole.append(self._works.pop(period))
        for path in paths_of(chunk):
            del self._owners[path]
        return whole

    def ended(self) -> None:
        """All has been read; raises ``RuntimeError`` if a partition is not whole for all that."""
        if self._works:
            raise RuntimeError(f"{len(self._works)} partitions lack rows of files that were read")


class RawStep:
    """The raw step of the pipeline, for some partitions.

    Parameters
    ----------
    partitions
        The wanted and the present state.
    plan
        Settings of the worker processes.
    workers
        Their number.
    progress
        Called with the number of files that are up to date, and of all.
    remote_reader
        What reads headers instead of processes of this machine.
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
        """Bring partitions up to their manifests; those that are cost a look at a footer.

        Parameters
        ----------
        periods
            Keys of the partitions.
        force
            Read every file again, whatever is there.

        Yields
        ------
        PartitionReport
            As soon as a partition is written, in no particular order; those that are left without
            files come last.
        """
        partitions = self.partitions
        partitions.raw.write_schemas()
        sizes = {period: partitions.manifests.count(period) for period in periods}
        self._done, self._total = 0, sum(sizes.values())
        donors = self._source_partitions(periods) if not force else {}
        stale = {}
        for period, size in sizes.items():
            report = partitions.up_to_date(period) if size and not force else None
            if report is not None:
                self._tell(size)
                yield report
            elif size:
                stale[period] = size
        # with donors or tombstones, partitions have to do with each other; a bucket is written by
        # the process that holds its lock
        free = not donors and not partitions.tombstones.tombstones
        free = free and partitions.raw.writer is LOCAL_WRITER and self.remote_reader is None
        most = min(LARGEST_ALONE, -(-sum(stale.values()) // (self.workers * _SHARES)))
        alone = {period: size for period, size in stale.items() if free and size <= most}
        rest = [period for period in stale if period not in alone]
        if alone:
            for period, report in process_partition(
                alone, self.plan, workers=self.workers, force=force
            ):
                if report is None:
                    rest.append(period)
                else:
                    self._tell(alone[period])
                    yield report
        yield from self._in_pieces(rest, donors, force=force)
        yield from self._remove([period for period, size in sizes.items() if not size])

    def _in_pieces(
        self, periods: Sequence[str], donors: dict[str, str], *, force: bool
    ) -> Iterator[PartitionReport]:
        """Partitions whose files are spread over all workers, and written here."""
        reading = _Reading()
        finish = self.partitions.finish
        finished: list[PartitionReport] = []

        def to_read() -> Iterator[FileVersion]:
            for period in periods:
                work = self.partitions.plan(period, force=force)
                self._take_over(work, donors)
                self._tell(len(work.files) - len(work.to_read))
                if work.to_read:
                    yield from reading.begin(work)
                else:
                    finished.append(finish(work))

        # a partition is written while others are read
        read = self.remote_reader or read_headers
        for chunk in read(to_read(), self.plan, workers=self.workers):
            self._tell(sum(chunk[name].num_rows for name in WITH_FILES))
            finished.extend(map(finish, reading.take(chunk)))
            yield from finished
            finished.clear()
        reading.ended()
        yield from finished

    def _tell(self, files: int) -> None:
        self._done += files
        if self.progress and files:
            self.progress(self._done, self._total)

    def _source_partitions(self, periods: Sequence[str]) -> dict[str, str]:
        """Files with rows in partitions that have no files any more: another grain moved them.

        Returns
        -------
        dict of str to str
            Key of the partition that has the rows, by the file's path.
        """
        partitions = self.partitions
        donors: dict[str, str] = {}
        for period in periods:
            if (
                partitions.manifests.count(period)
                or partitions.raw.reader_version(period) != partitions.reader_version
            ):
                continue
            for name in WITH_FILES:
                table = partitions.raw.read(name, period, ["file_path"])
                paths = table["file_path"].to_pylist() if table is not None else []
                donors.update(dict.fromkeys(paths, period))
        return donors

    def _take_over(self, work: Work, donors: dict[str, str]) -> None:
        """Take rows of unchanged files from the partitions they were in, instead of reading."""
        wanted: dict[str, list[FileVersion]] = {}
        for file in work.to_read:
            if file.path in donors:
                wanted.setdefault(donors[file.path], []).append(file)
        taken: set[str] = set()
        for period, files in wanted.items():
            stored = self.partitions.raw.whole(period)
            if stored is None:
                continue
            part = carry_over(stored, files)
            work.parts.append(part)
            taken |= paths_of(part)
        work.carried_files += len(taken)
        work.to_read = [file for file in work.to_read if file.path not in taken]

    def _remove(self, emptied: Sequence[str]) -> Iterator[PartitionReport]:
        """Remove partitions without files.

        Where rows outlive their files, one that holds the only copy of a row waits until the
        partition that the file moved to (another grain, say) has it.
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
            stored = partitions.raw.whole(period) if awaited else None
            if stored is None or awaited.isdisjoint(paths_of(stored)):
                partitions.remove(period)
                report.removed = True
            yield report
