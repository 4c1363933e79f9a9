"""One partition of the raw zone: its version, the files to read, and its tables.

Belongs here: rows that are carried over, the test whether a partition is up to date, writing it.
Does not belong here: rows of deleted files (raw_zone.retained_rows), many partitions (raw_step).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from dicom_pipeline.common.private_files import LOCAL_WRITER
from dicom_pipeline.extract.raw_zone.parquet import CorruptCopy, RawZone
from dicom_pipeline.extract.raw_zone.retained_rows import RetainedRows
from dicom_pipeline.extract.raw_zone.rows import carry_over, paths_of, unreadable_paths
from dicom_pipeline.extract.raw_zone.tombstones import Tombstones
from dicom_pipeline.extract.tables import RAW_TABLES, REJECTED, Tables, finalize_partition
from dicom_pipeline.headers.reader import RejectReason
from dicom_pipeline.landing.manifest import ManifestRow, ManifestStore, files_digest, fingerprint
from dicom_pipeline.landing.partition_key import HEAD_BYTES
from dicom_pipeline.landing.storage import FileVersion, Storage
from dicom_pipeline.mapping.attribute_mapping import PATIENT_KEYS, AttributeMapping
from dicom_pipeline.mapping.date_rules import load_date_rules
from dicom_pipeline.mapping.identity_attributes import IdentityAttributes

# increase it when rows of an unchanged file may differ: all files are then read again
EXTRACTOR_VERSION = "8"

READ_BY_OTHER_VERSION = (
    "partitions were read by another version of the extractor, or with other columns: their files "
    "are read again"
)


@dataclass
class PartitionReport:
    """Summary of one processed partition; counts only."""

    period: str
    version: str
    files: int = 0
    read: int = 0
    read_and_rejected: int = 0
    carried_over: int = 0
    loaded: int = 0
    duplicate: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    ignored: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    bytes_written: int = 0
    removed: bool = False


@dataclass
class Work:
    """Work on one partition: its files, the rows carried over, and the files to read.

    Attributes
    ----------
    period, version
        Key of the partition, and the version that its manifest requires.
    files
        All files of the manifest.
    carried, carried_files
        Rows carried over, and the number of their files.
    to_read
        Files to read.
    fallback
        Stored rows that replace files which can no longer be read (``DICOM_ON_DELETE=keep``).
    parts
        Rows that have been read so far.
    """

    period: str
    version: str
    files: list[FileVersion]
    carried: Tables
    carried_files: int
    to_read: list[FileVersion]
    fallback: Tables | None
    parts: list[Tables] = field(default_factory=list)


def rows_reader_version(
    mapping: AttributeMapping, identity: IdentityAttributes, *, allow_missing_uids: bool
) -> tuple[str, ...]:
    """Return extractor version, columns and rules; rows of another value are not carried over."""
    version = (EXTRACTOR_VERSION, mapping.digest, identity.digest, load_date_rules().digest)
    return (*version, "missing UIDs") if allow_missing_uids else version


class Partitions:
    """The partitions of a raw zone.

    Parameters
    ----------
    manifests, raw
        The required and the current state.
    storage
        The landing zone.
    identity
        Attributes that identify patients.
    keep_deleted
        Keep rows of files that can no longer be read (``DICOM_ON_DELETE=keep``).
    allow_missing_uids
        See `rows_reader_version`.
    """

    def __init__(
        self,
        manifests: ManifestStore,
        raw: RawZone,
        storage: Storage,
        identity: IdentityAttributes,
        *,
        keep_deleted: bool = False,
        allow_missing_uids: bool = False,
    ) -> None:
        self.manifests = manifests
        self.raw = raw
        self.storage = storage
        self.identity = identity
        self.keep_deleted = keep_deleted
        self._allow_missing_uids = allow_missing_uids
        self.tombstones = Tombstones(raw.root, raw.writer)
        self.retained = RetainedRows(raw, identity)

    @property
    def mapping(self) -> AttributeMapping:
        """The columns that are extracted."""
        return self.raw.mapping

    @property
    def reader_version(self) -> str:
        """Extractor version and column lists as text; see `rows_reader_version`."""
        return "/".join(self._reader_version)

    @property
    def _reader_version(self) -> tuple[str, ...]:
        return rows_reader_version(
            self.mapping, self.identity, allow_missing_uids=self._allow_missing_uids
        )

    def wanted_version(self, period: str) -> str:
        """Return the fingerprint of a partition's manifest, its columns and the extractor."""
        version = self._version(self.manifests.digest(period))
        # never the stored version: a purge may have been killed before it reached this partition
        return f"{version}-purged" if self.contains_purged(period) else version

    def contains_purged(self, period: str) -> bool:
        """Return whether a partition has rows of purged subjects."""
        if not self.tombstones.tombstones:
            return False
        rows = self.raw.read("patients", period, PATIENT_KEYS)
        return rows is not None and bool(self.tombstones.matcher.hits(rows))

    @property
    def version_without_files(self) -> str:
        """Fingerprint of a partition without files."""
        return self._version(files_digest([]))

    def version_of_rows(self, rows: Sequence[ManifestRow]) -> str:
        """Return the fingerprint of a partition with the given files."""
        return self._version(files_digest(rows))

    def _version(self, digest: str) -> str:
        return fingerprint(*self._reader_version, digest)

    def read_by_other_version(self, periods: Iterable[str]) -> list[str]:
        """Return the partitions that were read by another extractor version or column list.

        Includes partitions whose parquet has no reader version, as early versions wrote it.
        """
        return [
            period
            for period in periods
            if self.raw.path("images", period).exists()
            and self.raw.reader_version(period) != self.reader_version
        ]

    def wanted_versions(self) -> dict[str, str]:
        """Return the fingerprints of all partitions, by key in sorted order."""
        return {period: self.wanted_version(period) for period in self.manifests.periods()}

    def up_to_date(self, period: str) -> PartitionReport | None:
        """Return the counts of a partition that matches its manifest; None if it does not."""
        version = self.wanted_version(period)
        if self.raw.version(period) != version:
            return None
        tables = self._read_for_counts(period)
        if tables is None:
            return None
        return _with_counts(PartitionReport(period, version, self.manifests.count(period)), tables)

    def _read_for_counts(self, period: str) -> Tables | None:
        """Return the columns that counting needs; None if a table cannot be read."""
        columns = {"images": ["file_outcome"], REJECTED: ["outcome", "reason"]}
        tables = {}
        for name in RAW_TABLES:
            table = self.raw.read(name, period, columns.get(name, ["row_digest"]))
            if table is None:
                return None
            tables[name] = table
        return tables

    def plan(self, period: str, *, force: bool) -> Work:
        """Return the rows to carry over and the files to read.

        Raises
        ------
        CorruptCopy
            The local copy of a raw zone in a bucket is corrupt and may hold the only rows of
            deleted files.
        """
        files, _ = self.manifests.files(period)
        version = self._version(self.manifests.digest(period))
        work = Work(period, version, files, {}, 0, files, None)
        reusable = not force and self.raw.reader_version(period) == self.reader_version
        previous = self.raw.read_all(period) if reusable or self.keep_deleted else None
        if self.keep_deleted:
            if previous is None and self.raw.is_corrupt(period):
                if self.raw.writer is not LOCAL_WRITER:
                    raise CorruptCopy("a copy of raw parquet is damaged: run again")
                self.raw.quarantine(period)  # it may hold the only rows of deleted files
            work.fallback = previous or self.raw.empty_tables()
        if previous is not None and reusable:
            work.carried = carry_over(previous, files)
            carried = paths_of(work.carried)
            work.carried_files = len(carried)
            work.to_read = [file for file in files if file.path not in carried]
        return work

    def needs_other_partitions(self, work: Work) -> bool:
        """Return whether `finish` reads other partitions or writes to shared tombstones."""
        if self.tombstones.tombstones:
            return True
        unreadable = any(unreadable_paths(part[REJECTED]) for part in work.parts)
        return work.fallback is not None and unreadable

    def finish(self, work: Work) -> PartitionReport:
        """Write a partition after all its files have been read."""
        report = PartitionReport(work.period, work.version, files=len(work.files))
        parts = [work.carried, *work.parts] if work.carried else work.parts
        if work.fallback is not None:
            parts = self.retained.add_to(parts, work.period, work.files, work.fallback)
        tables, purged = self.tombstones.remove_rows(
            {name: pa.concat_tables([part[name] for part in parts]) for name in RAW_TABLES}
        )
        report.read = len(work.to_read)
        report.read_and_rejected = _rejected_of(work)
        report.carried_over = work.carried_files
        if purged:
            report.ignored[RejectReason.PURGED] = len(purged)
            if not self._remove_from_manifest(work, purged):
                report.version, report.removed = self.version_without_files, True
                return report
        tables = finalize_partition(tables)
        report.version = self._record_unreadable(work, tables[REJECTED])
        report.bytes_written = self.raw.write(
            work.period, tables, version=report.version, reader_version=self.reader_version
        )
        return _with_counts(report, tables)

    def remove(self, period: str) -> None:
        """Remove the parquet and the manifest of a partition without files."""
        self.raw.remove([period])
        self.manifests.remove(period)

    def _remove_from_manifest(self, work: Work, purged: Sequence[FileVersion]) -> bool:
        """Remove files from the manifest; return whether it still has files."""
        gone = set(purged)
        rows = [row for row in self.manifests.read(work.period) if row.file not in gone]
        if not rows:
            self.remove(work.period)
            return False
        self.manifests.write(work.period, rows)
        work.version = self.version_of_rows(rows)
        return True

    def _record_unreadable(self, work: Work, rejected: pa.Table) -> str:
        """Mark files that cannot be opened in the manifest, so that scans try them again.

        Returns
        -------
        str
            Version of the partition, which depends on these marks.
        """
        paths = unreadable_paths(rejected)
        if not paths:
            return work.version
        # a file that opens now passes the next scan too: marking it would repeat that endlessly
        failed = {path for path in paths if not _can_open(self.storage, path)}
        rows = self.manifests.read(work.period)
        if any(row.opened and row.file.path in failed for row in rows):
            rows = [replace(row, opened=row.opened and row.file.path not in failed) for row in rows]
            self.manifests.write(work.period, rows)
        return self.version_of_rows(rows)


def _rejected_of(work: Work) -> int:
    """Return the number of files read for this partition that were rejected."""
    paths = pa.array([file.path for file in work.to_read], pa.string())
    count = 0
    for part in work.parts:
        rows = part[REJECTED]
        rows = rows.filter(pc.equal(rows["outcome"], "rejected"))
        count += rows.filter(pc.is_in(rows["file_path"], value_set=paths)).num_rows
    return count


def _can_open(storage: Storage, path: str) -> bool:
    """Return whether a scan could read the start of a file."""
    try:
        file = storage.open(path)
        try:
            file.read_at(0, HEAD_BYTES)
        finally:
            file.close()
    except OSError:
        return False
    return True


def _with_counts(report: PartitionReport, tables: Tables) -> PartitionReport:
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
