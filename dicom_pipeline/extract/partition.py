"""Bring partitions of the raw zone up to their manifests.

Belongs here: what must be read, what is carried over, and when a partition is up to date.
Does not belong here: processes (pool), rows (tables), and who asks for it (orchestration).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from dicom_pipeline.attributes import Mapping
from dicom_pipeline.extract.pool import Progress, Tables, WorkerPlan, read_headers
from dicom_pipeline.extract.raw_zone import RawZone
from dicom_pipeline.extract.reader import Reason
from dicom_pipeline.extract.tables import (
    GROUPED,
    RAW_TABLES,
    REJECTED,
    settle_partition,
    table_schema,
)
from dicom_pipeline.landing.manifest import ManifestStore, fingerprint
from dicom_pipeline.landing.storage import FileVersion

# a new number means: rows of the same file may differ, read all files again
EXTRACTOR_VERSION = "1"
# files of small partitions are read together, so that no worker idles; bounds memory too
WAVE_FILES = 20_000

_TRANSIENT = (Reason.UNREADABLE, Reason.WORKER_CRASHED, Reason.TIMEOUT)
_FILE_COLUMNS = ("file_path", "file_size", "file_mtime_ns", "file_etag")


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

    @property
    def mapping(self) -> Mapping:
        """The columns that are extracted."""
        return self.raw.mapping

    @property
    def read_by(self) -> str:
        """What rows are read by: those of another value are not carried over."""
        return f"{EXTRACTOR_VERSION}/{self.mapping.digest}"

    def wanted_version(self, period: str) -> str:
        """Fingerprint of a partition's manifest, of the columns and of the extractor."""
        return self.wanted_version_of([row.file for row in self.manifests.read(period)])

    def wanted_version_of(self, files: Sequence[FileVersion]) -> str:
        """Fingerprint of a partition that consists of these files."""
        return fingerprint(files, EXTRACTOR_VERSION, self.mapping.digest)

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
            As soon as a partition is written; for every period, in the order given.
        """
        self.raw.write_schemas()
        wave: list[_Work] = []
        for period in periods:
            wave.append(self._plan(period, force=force))
            if sum(len(work.to_read) for work in wave) >= WAVE_FILES:
                yield from self._run(wave)
                wave = []
        yield from self._run(wave)

    def _plan(self, period: str, *, force: bool) -> _Work:
        files = [row.file for row in self.manifests.read(period)]
        version = self.wanted_version_of(files)
        work = _Work(period, version, files, {}, 0, [], None)
        if not files or (self.raw.version(period) == version and not force):
            return work
        previous = self._previous(period)
        if previous is not None and self.keep_deleted:
            work.fallback = previous
        if previous is not None and not force and self.raw.read_by(period) == self.read_by:
            work.carried = _carry_over(previous, files)
        carried = {
            path for table in work.carried.values() if "file_path" in table.column_names
            for path in table["file_path"].to_pylist()
        }  # fmt: skip
        work.carried_files = len(carried)
        work.to_read = [file for file in files if file.path not in carried]
        return work

    def _previous(self, period: str) -> Tables | None:
        tables = {}
        for name in RAW_TABLES:
            table = self.raw.read(name, period)
            if table is None:
                return None
            tables[name] = _aligned(table, table_schema(self.mapping, name))
        return tables

    def _run(self, wave: list[_Work]) -> Iterator[PartitionReport]:
        results: list[Tables] = list(
            read_headers(
                [file for work in wave for file in work.to_read],
                self.plan,
                workers=self.workers,
                progress=self.progress,
            )
        )
        for work in wave:
            yield self._finish(work, results)

    def _finish(self, work: _Work, results: list[Tables]) -> PartitionReport:
        report = PartitionReport(work.period, work.version, files=len(work.files))
        if not work.files:
            self.raw.remove([work.period])
            self.manifests.remove(work.period)
            report.removed = True
            return report
        if not work.to_read and not work.carried:
            return self._counted(report)
        paths = pa.array([file.path for file in work.to_read], pa.string())
        parts = [work.carried] if work.carried else []
        parts += [part for part in (_only(tables, paths) for tables in results) if part]
        if work.fallback is not None:
            parts = [_without_unreadable(p, work.fallback) for p in parts] + [
                _kept_rows(parts, work.fallback)
            ]
        tables = settle_partition(
            {name: pa.concat_tables([part[name] for part in parts]) for name in RAW_TABLES}
        )
        report.read = len(work.to_read)
        report.carried_over = work.carried_files
        report.bytes_written = self.raw.write(
            work.period, tables, version=work.version, read_by=self.read_by
        )
        return self._counted(report, tables)

    def _counted(self, report: PartitionReport, tables: Tables | None = None) -> PartitionReport:
        if tables is None:
            stored = {name: self.raw.read(name, report.period) for name in RAW_TABLES}
            tables = {name: table for name, table in stored.items() if table is not None}
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


def _aligned(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A stored table with today's columns: new ones null, old ones dropped."""
    columns = [
        table[f.name] if f.name in table.column_names else pa.nulls(table.num_rows, f.type)
        for f in schema
    ]
    return pa.table(columns, schema=schema)


def _rows_of(table: pa.Table, versions: set[tuple[object, ...]]) -> pa.Table:
    stored = zip(*(table[name].to_pylist() for name in _FILE_COLUMNS), strict=True)
    return table.filter(pa.array([row in versions for row in stored], pa.bool_()))


def _carry_over(previous: Tables, files: Sequence[FileVersion]) -> Tables:
    """Rows of files that are as they were, and whose rows in the other tables are there."""
    versions: set[tuple[object, ...]] = {(f.path, f.size, f.mtime_ns, f.etag) for f in files}
    images = _rows_of(previous["images"], versions)
    for name in GROUPED:
        there = previous[name]["row_digest"].combine_chunks()
        images = images.filter(pc.is_in(images[f"{name}_row"], value_set=there))
    rejected = _rows_of(previous[REJECTED], versions)
    transient = pa.array([str(reason) for reason in _TRANSIENT])
    rejected = rejected.filter(pc.invert(pc.is_in(rejected["reason"], value_set=transient)))
    return {**previous, "images": images, REJECTED: rejected}


def _only(tables: Tables, paths: pa.Array) -> Tables | None:
    """The part of a chunk's rows that belongs to the files of one partition."""
    images = tables["images"]
    images = images.filter(pc.is_in(images["file_path"], value_set=paths))
    rejected = tables[REJECTED]
    rejected = rejected.filter(pc.is_in(rejected["file_path"], value_set=paths))
    if not images.num_rows and not rejected.num_rows:
        return None
    return {**tables, "images": images, REJECTED: rejected}


def _unreadable(part: Tables, fallback: Tables) -> pa.ChunkedArray:
    rejected = part[REJECTED]
    known = fallback["images"]["file_path"].combine_chunks()
    return pc.and_(
        pc.equal(rejected["reason"], Reason.UNREADABLE.value),
        pc.is_in(rejected["file_path"], value_set=known),
    )


def _without_unreadable(part: Tables, fallback: Tables) -> Tables:
    keep = pc.invert(_unreadable(part, fallback))
    return {**part, REJECTED: part[REJECTED].filter(keep)}


def _kept_rows(parts: Sequence[Tables], fallback: Tables) -> Tables:
    """Stored rows of files that were to be read and are no longer there."""
    gone = pa.concat_arrays(
        [
            part[REJECTED].filter(_unreadable(part, fallback))["file_path"].combine_chunks()
            for part in parts
        ]
    )
    images = fallback["images"]
    images = images.filter(pc.is_in(images["file_path"], value_set=gone))
    return {**fallback, "images": images, REJECTED: fallback[REJECTED].slice(0, 0)}
