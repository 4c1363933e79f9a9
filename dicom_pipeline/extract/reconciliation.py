"""Reconciliation: discovered files = loaded + duplicate + rejected + ignored + pending.

Belongs here: counts from an independent listing of the landing zone and from the raw zone.
Does not belong here: fixing differences (operations.recovery), the asset check
(orchestration.checks).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from dicom_pipeline.extract.partition import Partitions
from dicom_pipeline.extract.tables import REJECTED
from dicom_pipeline.headers.reader import RejectReason
from dicom_pipeline.landing.manifest import ScanState, now
from dicom_pipeline.landing.scan import NOT_LISTED, ScanRefused
from dicom_pipeline.landing.storage import FILE_COLUMNS, Storage

Outcome = tuple[str, str]  # outcome of a file, and the reason or ""


@dataclass
class FileCounts:
    """Numbers of files by outcome.

    Attributes
    ----------
    discovered
        Files in the landing zone.
    loaded, duplicate
        Files with a row, and further files with the same SOP Instance UID and header.
    rejected, ignored
        Files without a row, by reason.
    pending
        Files that the next scan or raw step will process.
    missing
        Files with rows that are no longer in the landing zone; not part of ``discovered``.
    stale_partitions
        Partitions whose parquet does not match their manifest.
    lost
        Files without any outcome; must be 0.
    duplicate_rows
        Files with more than one row; must be 0.
    """

    discovered: int = 0
    loaded: int = 0
    duplicate: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    pending: int = 0
    missing: int = 0
    stale_partitions: int = 0
    lost: int = 0
    duplicate_rows: int = 0

    @property
    def balanced(self) -> bool:
        """Whether every discovered file has exactly one outcome."""
        parts = self.loaded + self.duplicate + self.pending
        parts += self.rejected.total() + self.ignored.total()
        return self.discovered == parts and not self.lost and not self.duplicate_rows

    @property
    def outcomes(self) -> dict[str, int]:
        """Number of files by outcome; ``found`` is the number of all files."""
        return {
            "found": self.discovered,
            "loaded": self.loaded,
            "duplicate": self.duplicate,
            "rejected": self.rejected.total(),
            "ignored": self.ignored.total(),
            "pending": self.pending,
        }

    def count(self, outcome: str, reason: str, files: int) -> None:
        """Add files with a row in the images or the rejected files."""
        if outcome == "rejected":
            self.rejected[reason] += files
        elif outcome == "ignored":
            self.ignored[reason] += files
        elif outcome == "duplicate":
            self.duplicate += files
        else:
            self.loaded += files


def reconcile(storage: Storage, partitions: Partitions, *, landing: str = "") -> FileCounts:
    """Check a listing of the landing zone against the rows of the raw zone.

    Parameters
    ----------
    storage
        The landing zone. It is listed again, with other code than that of the scan.
    partitions
        The manifests and the raw parquet.
    landing
        Location of the landing zone in the settings. If another one was scanned last, all files
        without rows count as new.

    Raises
    ------
    ScanRefused
        The landing zone cannot be listed.
    """
    outcomes, duplicate_rows = _outcomes(partitions)
    names = list(storage.count_files())
    counts = Counter(map(outcomes.get, names))
    unexplained = [path for path in names if path not in outcomes]
    explained = len(names) - len(unexplained)
    result = FileCounts(
        discovered=len(names), duplicate_rows=duplicate_rows, missing=len(outcomes) - explained
    )
    for outcome, count in counts.items():
        if outcome is not None:
            result.count(*outcome, count)
    if unexplained or not names:
        _explain(unexplained, result, storage, partitions, landing)
    wanted = partitions.wanted_versions()
    result.stale_partitions = sum(partitions.raw.version(p) != v for p, v in wanted.items())
    return result


def _explain(
    names: Sequence[str],
    result: FileCounts,
    storage: Storage,
    partitions: Partitions,
    landing: str,
) -> None:
    """Count files that have no row."""
    listing = storage.list_landing()
    if not listing.rooted:
        raise ScanRefused(NOT_LISTED)
    unsettled = set(listing.unsettled)
    known = partitions.tombstones.files()
    purged = {file.path for file in listing.files if file in known}
    partition_of = _partition_of(partitions)
    scan = partitions.manifests.read_state()
    complete: dict[str, bool] = {}
    for path in names:
        if path in partition_of:
            # in a manifest and without a row: lost if the partition is complete, else pending
            period = partition_of[path]
            if period not in complete:
                version = partitions.wanted_version(period)
                complete[period] = partitions.raw.version(period) == version
            if complete[period]:
                result.lost += 1
            else:
                result.pending += 1
        elif path in purged:
            result.ignored[RejectReason.PURGED] += 1
        elif path in listing.ignored:
            result.ignored[listing.ignored[path]] += 1
        elif path in unsettled or _arrived_since(scan, storage, path, landing):
            result.pending += 1
        else:
            result.lost += 1


def _partition_of(partitions: Partitions) -> dict[str, str]:
    """Return the partition of each file; of two, which a killed scan may leave, the last."""
    return {
        path: period
        for period in partitions.manifests.periods()
        for path in partitions.manifests.table(period)["path"].to_pylist()
    }


def _outcomes(partitions: Partitions) -> tuple[dict[str, Outcome], int]:
    """Return the outcome of each file in the raw zone, and the number of surplus rows."""
    found = [_rows_of(partitions, period) for period in partitions.raw.periods()]
    outcomes = {path: outcome for rows in found for path, outcome in rows}
    duplicate_rows = sum(map(len, found)) - len(outcomes)
    if duplicate_rows:  # ignore rows in a partition that the file has left
        partition_of = _partition_of(partitions)
        periods = zip(partitions.raw.periods(), found, strict=True)
        found = [
            [row for row in rows if partition_of[row[0]] == period] for period, rows in periods
        ]
        outcomes = {path: outcome for rows in found for path, outcome in rows}
        duplicate_rows = sum(map(len, found)) - len(outcomes)
    return outcomes, duplicate_rows


def _rows_of(partitions: Partitions, period: str) -> list[tuple[str, Outcome]]:
    """Return path and outcome of the files of a partition, without rows of older versions."""
    images = partitions.raw.read("images", period, [*FILE_COLUMNS, "file_outcome"])
    rejects = partitions.raw.read(REJECTED, period, [*FILE_COLUMNS, "outcome", "reason"])
    if images is None or rejects is None or partitions.raw.version(period) is None:
        return []
    files = partitions.manifests.table(period)
    images, rejects = _same_version(images, files), _same_version(rejects, files)
    outcomes = [
        *((outcome, "") for outcome in images["file_outcome"].to_pylist()),
        *zip(rejects["outcome"].to_pylist(), rejects["reason"].to_pylist(), strict=True),
    ]
    paths = [path for rows in (images, rejects) for path in rows["file_path"].to_pylist()]
    return list(zip(paths, outcomes, strict=True))


def _same_version(rows: pa.Table, files: pa.Table) -> pa.Table:
    """Return the rows of files that the manifest has in the same version."""
    indices = pc.index_in(rows["file_path"], value_set=files["path"].combine_chunks())
    same = pc.is_valid(indices)
    of_manifest = files.take(indices)
    for column, name in zip(FILE_COLUMNS[1:], of_manifest.column_names[1:], strict=True):
        stored, listed = rows[column], of_manifest[name]
        both_null = pc.and_(pc.is_null(stored), pc.is_null(listed))
        same = pc.and_(same, pc.or_(pc.fill_null(pc.equal(stored, listed), False), both_null))
    return rows.filter(same)


def _arrived_since(scan: ScanState | None, storage: Storage, path: str, landing: str) -> bool:
    if scan is None or not scan.complete or scan.is_other_landing(landing):
        return True
    if scan.began_at > now():  # the clock was set back: times cannot be compared
        return True
    try:
        changed = storage.changed_at(path)
    except OSError:  # the file or a parent folder was deleted
        return True
    return changed >= scan.began_at.timestamp() - storage.min_file_age_seconds
