"""Bring partitions of the raw zone up to their manifests.

Belongs here: what must be read, what is carried over, and when a partition is up to date.
Does not belong here: processes (pool), rows (tables), and who asks for it (orchestration).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from dicom_pipeline.attributes import PATIENT_KEYS, Mapping
from dicom_pipeline.extract.identity import IdentityTerms
from dicom_pipeline.extract.pool import Tables, WorkerPlan, read_headers
from dicom_pipeline.extract.raw_zone import RawZone
from dicom_pipeline.extract.reader import Reason
from dicom_pipeline.extract.rows import (
    aligned,
    carry_over,
    kept_rows,
    parted,
    rows_of,
    unreadable_paths,
    versions_of,
    without_rejects,
)
from dicom_pipeline.extract.stored_terms import with_terms
from dicom_pipeline.extract.tables import (
    IDENTITY_TERMS,
    RAW_TABLES,
    REJECTED,
    settle_partition,
    table_schema,
)
from dicom_pipeline.extract.withdrawal import Withdrawals
from dicom_pipeline.identity_attributes import load_identity_attributes
from dicom_pipeline.landing.directory import DirectoryStorage
from dicom_pipeline.landing.manifest import ManifestRow, ManifestStore, files_digest, fingerprint
from dicom_pipeline.landing.placement import HEAD_BYTES
from dicom_pipeline.landing.storage import FileVersion

# a new number means: rows of the same file may differ, read all files again
EXTRACTOR_VERSION = "4"
_WITH_FILES = ("images", REJECTED)

Progress = Callable[[int, int], None]


@dataclass
class PartitionReport:
    """What became of one partition; counts only."""

    period: str
    version: str
    files: int = 0
    read: int = 0
    carried_over: int = 0
    loaded: int = 0
    duplicate: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    ignored: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    bytes_written: int = 0
    removed: bool = False


@dataclass
class _Work:
    """One partition on its way: its files, what is carried over and what must be read."""

    period: str
    version: str
    files: list[FileVersion]
    carried: Tables
    carried_files: int
    to_read: list[FileVersion]
    fallback: Tables | None
    up_to_date: Tables | None = None
    parts: list[Tables] = field(default_factory=list)
    unread: int = 0


class _Reading:
    """Partitions whose files are being read."""

    def __init__(self) -> None:
        self._works: dict[str, _Work] = {}
        self._owners: dict[str, list[str]] = {}

    def begin(self, work: _Work) -> Iterator[FileVersion]:
        """The files that must be read for a partition, and for no other that is under way."""
        self._works[work.period] = work
        work.unread = len(work.to_read)
        for file in work.to_read:
            owners = self._owners.setdefault(file.path, [])
            owners.append(work.period)
            if len(owners) == 1:
                yield file

    def take(self, chunk: Tables) -> list[_Work]:
        """Give the rows of a chunk to their partitions; returns those that have all now."""
        whole = []
        for period, part in parted(chunk, self._owners).items():
            work = self._works[period]
            work.parts.append(part)
            work.unread -= sum(part[name].num_rows for name in _WITH_FILES)
            if not work.unread:
                whole.append(self._works.pop(period))
        for path in _paths(chunk):
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
    manifests, raw
        The wanted and the present state.
    plan
        Settings of the worker processes.
    workers
        Their number.
    keep_deleted
        Rows of files that can no longer be read stay (``DICOM_ON_DELETE=keep``).
    progress
        Called with the number of files that are up to date, and of all.
    """

    def __init__(
        self,
        manifests: ManifestStore,
        raw: RawZone,
        plan: WorkerPlan,
        *,
        workers: int,
        keep_deleted: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.manifests = manifests
        self.raw = raw
        self.plan = plan
        self.workers = workers
        self.keep_deleted = keep_deleted
        self.progress = progress
        self._done = self._total = 0
        self.identity = load_identity_attributes(plan.identity_csv)
        self.withdrawals = Withdrawals(raw.root)

    @property
    def mapping(self) -> Mapping:
        """The columns that are extracted."""
        return self.raw.mapping

    @property
    def read_by(self) -> str:
        """What rows are read by: those of another value are not carried over."""
        return "/".join(self._read_by)

    @property
    def _read_by(self) -> tuple[str, ...]:
        return EXTRACTOR_VERSION, self.mapping.digest, self.identity.digest

    def wanted_version(self, period: str) -> str:
        """Fingerprint of a partition's manifest, of what is read and of the extractor."""
        version = self._version(self.manifests.digest(period))
        # never that of what is there: a purge may have been killed before it came here
        return f"{version}-withdrawn" if self.holds_withdrawn(period) else version

    def holds_withdrawn(self, period: str) -> bool:
        """Whether a partition has rows of subjects who were withdrawn."""
        if not self.withdrawals.tombstones:
            return False
        rows = self.raw.read("patients", period, PATIENT_KEYS)
        return rows is not None and bool(self.withdrawals.matcher.hits(rows))

    @property
    def version_without_files(self) -> str:
        """Fingerprint of a partition that has no files any more."""
        return self._version(files_digest([]))

    def _wanted_version_of_rows(self, rows: Sequence[ManifestRow]) -> str:
        return self._version(files_digest(rows))

    def _version(self, digest: str) -> str:
        return fingerprint(*self._read_by, digest)

    def wanted_versions(self) -> dict[str, str]:
        """Fingerprints of all partitions, by key in sorted order."""
        return {period: self.wanted_version(period) for period in self.manifests.periods()}

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
        self.raw.write_schemas()
        self._done, self._total = 0, sum(map(self.manifests.count, periods))
        donors = self._donors(periods) if not force else {}
        reading = _Reading()
        finished: list[PartitionReport] = []
        emptied: list[_Work] = []

        def to_read() -> Iterator[FileVersion]:
            for period in periods:
                work = self._plan(period, force=force)
                self._take_over(work, donors)
                self._tell(len(work.files) - len(work.to_read))
                if not work.files:
                    emptied.append(work)
                elif work.to_read:
                    yield from reading.begin(work)
                else:
                    finished.append(self._finish(work))

        # a partition is written while others are read
        for chunk in read_headers(to_read(), self.plan, workers=self.workers):
            self._tell(sum(chunk[name].num_rows for name in _WITH_FILES))
            finished.extend(map(self._finish, reading.take(chunk)))
            yield from finished
            finished.clear()
        reading.ended()
        yield from finished
        yield from self._remove(emptied)

    def _tell(self, files: int) -> None:
        self._done += files
        if self.progress and files:
            self.progress(self._done, self._total)

    def _plan(self, period: str, *, force: bool) -> _Work:
        rows = self.manifests.read(period)
        files = [row.file for row in rows]
        work = _Work(period, self._wanted_version_of_rows(rows), files, {}, 0, [], None)
        if not files:
            return work
        current = self.raw.version(period) == work.version and not self.holds_withdrawn(period)
        if current and not force:
            work.up_to_date = self._countable(period)
            if work.up_to_date is not None:
                return work
        previous = self._previous(period)
        if self.keep_deleted:
            work.fallback = previous or self._nothing()
        if previous is not None and not force and self.raw.read_by(period) == self.read_by:
            work.carried = carry_over(previous, files)
        carried = {
            path for table in work.carried.values() if "file_path" in table.column_names
            for path in table["file_path"].to_pylist()
        }  # fmt: skip
        work.carried_files = len(carried)
        work.to_read = [file for file in files if file.path not in carried]
        return work

    def _donors(self, periods: Sequence[str]) -> dict[str, str]:
        """Files with rows in partitions that have no files any more: another grain moved them.

        Returns
        -------
        dict of str to str
            Key of the partition that has the rows, by the file's path.
        """
        donors: dict[str, str] = {}
        for period in periods:
            if self.manifests.count(period) or self.raw.read_by(period) != self.read_by:
                continue
            for name in _WITH_FILES:
                table = self.raw.read(name, period, ["file_path"])
                paths = table["file_path"].to_pylist() if table is not None else []
                donors.update(dict.fromkeys(paths, period))
        return donors

    def _take_over(self, work: _Work, donors: dict[str, str]) -> None:
        """Take rows of unchanged files from the partitions they were in, instead of reading."""
        wanted: dict[str, list[FileVersion]] = {}
        for file in work.to_read:
            if file.path in donors:
                wanted.setdefault(donors[file.path], []).append(file)
        taken: set[str] = set()
        for period, files in wanted.items():
            stored = self._previous(period)
            if stored is None:
                continue
            part = carry_over(stored, files)
            work.parts.append(part)
            taken |= _paths(part)
        work.carried_files += len(taken)
        work.to_read = [file for file in work.to_read if file.path not in taken]

    def _countable(self, period: str) -> Tables | None:
        """As much of a partition as counting takes; None when it cannot be read."""
        columns = {"images": ["file_outcome"], REJECTED: ["outcome", "reason"]}
        tables = {}
        for name in RAW_TABLES:
            table = self.raw.read(name, period, columns.get(name, ["row_digest"]))
            if table is None:
                return None
            tables[name] = table
        return tables

    def _nothing(self) -> Tables:
        return {name: table_schema(self.mapping, name).empty_table() for name in RAW_TABLES}

    def _previous(self, period: str) -> Tables | None:
        tables = {}
        for name in RAW_TABLES:
            table = self.raw.read(name, period)
            if table is None and name == IDENTITY_TERMS:
                table = table_schema(self.mapping, name).empty_table()  # older than this table
            if table is None:
                return None
            tables[name] = aligned(table, table_schema(self.mapping, name))
        return tables

    def _remove(self, emptied: Sequence[_Work]) -> Iterator[PartitionReport]:
        """Remove partitions without files.

        Where rows outlive their files, one that holds the only copy of a row waits until the
        partition that the file moved to (another grain, say) has it.
        """
        awaited: set[str] = set()
        if self.keep_deleted and emptied:
            for period in self.manifests.periods():
                rows = self.manifests.read(period)
                if self.raw.version(period) != self._wanted_version_of_rows(rows):
                    awaited.update(row.file.path for row in rows)
        for work in emptied:
            report = PartitionReport(work.period, work.version)
            stored = self._previous(work.period) if awaited else None
            if stored is None or awaited.isdisjoint(_paths(stored)):
                self.raw.remove([work.period])
                self.manifests.remove(work.period)
                report.removed = True
            yield report

    def _finish(self, work: _Work) -> PartitionReport:
        report = PartitionReport(work.period, work.version, files=len(work.files))
        if work.up_to_date is not None:
            return _counted(report, work.up_to_date)
        parts = [work.carried, *work.parts] if work.carried else work.parts
        if work.fallback is not None:
            parts = self._with_kept_rows(work, parts)
        tables, withdrawn = self.withdrawals.take_out(
            {name: pa.concat_tables([part[name] for part in parts]) for name in RAW_TABLES}
        )
        report.read = len(work.to_read)
        report.carried_over = work.carried_files
        if withdrawn:
            report.ignored[Reason.WITHDRAWN] = len(withdrawn)
            if not self._forget(work, withdrawn):
                report.version, report.removed = self.version_without_files, True
                return report
        tables = settle_partition(tables)
        report.version = self._note_unreadable(work, tables[REJECTED])
        report.bytes_written = self.raw.write(
            work.period, tables, version=report.version, read_by=self.read_by
        )
        return _counted(report, tables)

    def _forget(self, work: _Work, withdrawn: Sequence[FileVersion]) -> bool:
        """Take files out of the manifest. Returns whether any are left there."""
        gone = set(withdrawn)
        rows = [row for row in self.manifests.read(work.period) if row.file not in gone]
        if not rows:
            self.raw.remove([work.period])
            self.manifests.remove(work.period)
            return False
        self.manifests.write(work.period, rows)
        work.version = self._wanted_version_of_rows(rows)
        return True

    def _with_kept_rows(self, work: _Work, parts: list[Tables]) -> list[Tables]:
        """Add stored rows of files that were to be read and no longer can be.

        They stand in for the reject where the file is still the same one by the manifest; of a
        changed file the old rows stay, and the reject says that the new ones are missing.
        """
        assert work.fallback is not None
        unreadable = {path for part in parts for path in unreadable_paths(part[REJECTED])}
        if not unreadable:
            return parts
        stored = [work.fallback]
        elsewhere = unreadable.difference(*map(_paths, stored))
        if elsewhere:  # another grain put them into another partition
            stored += self._stored_elsewhere(work.period, elsewhere)
        versions = versions_of(work.files)
        terms = IdentityTerms(self.identity)
        kept = [
            with_terms(kept_rows(tables, unreadable, versions), self.mapping, terms)
            for tables in stored
        ]
        current: set[str] = set()
        for tables in kept:
            current.update(rows_of(tables["images"], versions)["file_path"].to_pylist())
            current.update(tables[REJECTED]["file_path"].to_pylist())
        return [*(without_rejects(part, current) for part in parts), *kept]

    def _stored_elsewhere(self, period: str, paths: set[str]) -> Iterator[Tables]:
        for other in self.raw.periods():
            if other == period or not paths:
                continue
            ours = {name: self.raw.read(name, other, ["file_path"]) for name in _WITH_FILES}
            if any(table is None for table in ours.values()) or paths.isdisjoint(_paths(ours)):
                continue
            tables = self._previous(other)
            if tables is not None:
                yield tables
                paths = paths.difference(_paths(ours))

    def _note_unreadable(self, work: _Work, rejected: pa.Table) -> str:
        """Note in the manifest which files cannot be opened, so that scans try them again.

        Returns
        -------
        str
            Version of the partition, which depends on that.
        """
        paths = unreadable_paths(rejected)
        if not paths:
            return work.version
        storage = DirectoryStorage(self.plan.landing_dir)
        # one that opens now would pass the next scan as well: asking for it would never end
        closed = {path for path in paths if not _opens(storage, path)}
        rows = self.manifests.read(work.period)
        if any(row.opened and row.file.path in closed for row in rows):
            rows = [replace(row, opened=row.opened and row.file.path not in closed) for row in rows]
            self.manifests.write(work.period, rows)
        return self._wanted_version_of_rows(rows)


def _paths(tables: Tables) -> set[str]:
    return {path for name in _WITH_FILES for path in tables[name]["file_path"].to_pylist()}


def _opens(storage: DirectoryStorage, path: str) -> bool:
    """Whether a scan could read the head of a file."""
    try:
        file = storage.open(path)
        try:
            file.read_at(0, HEAD_BYTES)
        finally:
            file.close()
    except OSError:
        return False
    return True


def _counted(report: PartitionReport, tables: Tables) -> PartitionReport:
    report.rows = {name: table.num_rows for name, table in tables.items()}
    outcomes = _counts(tables["images"], "file_outcome")
    report.loaded = outcomes.get("loaded", 0)
    report.duplicate = outcomes.get("duplicate", 0)
    rejects = tables[REJECTED]
    for outcome, counts in (("rejected", report.rejected), ("ignored", report.ignored)):
        chosen = rejects.filter(pc.equal(rejects["outcome"], outcome))
        counts.update(_counts(chosen, "reason"))
    return report


def _counts(table: pa.Table, column: str) -> dict[str, int]:
    counts = table[column].value_counts()
    pairs = zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True)
    return dict(sorted(pairs))
