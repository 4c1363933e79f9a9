"""Is every file accounted for? discovered = loaded + duplicate + rejected + ignored + pending.

Belongs here: counting, from a listing of its own and from what lies in the raw zone.
Does not belong here: mending what does not add up, and Dagster's check around it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from dicom_pipeline.extract.partition import Partitions
from dicom_pipeline.extract.tables import REJECTED
from dicom_pipeline.headers.reader import Reason
from dicom_pipeline.landing.manifest import ScanState, now
from dicom_pipeline.landing.scan import NOT_LISTED, ScanRefused
from dicom_pipeline.landing.storage import Storage

_VERSION = ("file_path", "file_size", "file_mtime_ns", "file_etag")

Outcome = tuple[str, str]  # what became of a file, and the reason if there is one


@dataclass
class FileCounts:
    """Counts of files; ``lost`` must be 0.

    ``missing`` counts files that have rows and are no longer in the landing zone; they are not part
    of ``discovered``. ``duplicate_rows`` counts files that have more than one row, ``stale_partitions``
    those whose parquet is not as their manifest has it.
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
        """Whether the sum is right."""
        parts = self.loaded + self.duplicate + self.pending
        parts += self.rejected.total() + self.ignored.total()
        return self.discovered == parts and not self.lost and not self.duplicate_rows

    @property
    def outcomes(self) -> dict[str, int]:
        """Files by what became of them; ``found`` is all of them."""
        return {
            "found": self.discovered,
            "loaded": self.loaded,
            "duplicate": self.duplicate,
            "rejected": self.rejected.total(),
            "ignored": self.ignored.total(),
            "pending": self.pending,
        }

    def count(self, outcome: str, reason: str, files: int) -> None:
        """Count files that have a row."""
        if outcome == "rejected":
            self.rejected[reason] += files
        elif outcome == "ignored":
            self.ignored[reason] += files
        elif outcome == "duplicate":
            self.duplicate += files
        else:
            self.loaded += files


def reconcile(storage: Storage, partitions: Partitions, *, landing: str = "") -> FileCounts:
    """Hold a listing of the landing zone against the rows of the raw zone.

    Parameters
    ----------
    storage
        The landing zone; it is walked anew, by another way than the scan's.
    partitions
        The manifests and the raw parquet.
    landing
        What the settings call the landing zone: of another than was scanned all files are new.

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
    young = set(listing.unsettled)
    known = partitions.tombstones.files()
    purged = {file.path for file in listing.files if file in known}
    home = _home(partitions)
    scan = partitions.manifests.read_state()
    done: dict[str, bool] = {}
    for path in names:
        if path in home:
            # in the manifest and without a row: pending, unless its partition is said to be done
            period = home[path]
            if period not in done:
                done[period] = partitions.raw.version(period) == partitions.wanted_version(period)
            if done[period]:
                result.lost += 1
            else:
                result.pending += 1
        elif path in purged:
            result.ignored[Reason.PURGED] += 1
        elif path in listing.ignored:
            result.ignored[listing.ignored[path]] += 1
        elif path in young or _arrived_since(scan, storage, path, landing):
            result.pending += 1
        else:
            result.lost += 1


def _home(partitions: Partitions) -> dict[str, str]:
    """The partition of each file; the last of two, which a killed scan may leave."""
    return {
        path: period
        for period in partitions.manifests.periods()
        for path in partitions.manifests.table(period)["path"].to_pylist()
    }


def _outcomes(partitions: Partitions) -> tuple[dict[str, Outcome], int]:
    """What the raw zone says of each file, and how many rows are one too many."""
    found = [_rows_of(partitions, period) for period in partitions.raw.periods()]
    outcomes = {path: outcome for rows in found for path, outcome in rows}
    duplicate_rows = sum(map(len, found)) - len(outcomes)
    if duplicate_rows:  # a row of the partition that a file left is not its row
        home = _home(partitions)
        periods = zip(partitions.raw.periods(), found, strict=True)
        found = [[row for row in rows if home[row[0]] == period] for period, rows in periods]
        outcomes = {path: outcome for rows in found for path, outcome in rows}
        duplicate_rows = sum(map(len, found)) - len(outcomes)
    return outcomes, duplicate_rows


def _rows_of(partitions: Partitions, period: str) -> list[tuple[str, Outcome]]:
    """Files of a partition that have a row, but for rows of older versions of a file."""
    images = partitions.raw.read("images", period, [*_VERSION, "file_outcome"])
    rejects = partitions.raw.read(REJECTED, period, [*_VERSION, "outcome", "reason"])
    if images is None or rejects is None or partitions.raw.version(period) is None:
        return []
    files = partitions.manifests.table(period)
    images, rejects = _as_in(images, files), _as_in(rejects, files)
    outcomes = [
        *((outcome, "") for outcome in images["file_outcome"].to_pylist()),
        *zip(rejects["outcome"].to_pylist(), rejects["reason"].to_pylist(), strict=True),
    ]
    paths = [path for rows in (images, rejects) for path in rows["file_path"].to_pylist()]
    return list(zip(paths, outcomes, strict=True))


def _as_in(rows: pa.Table, files: pa.Table) -> pa.Table:
    """Rows of files that the manifest has in the same version."""
    places = pc.index_in(rows["file_path"], value_set=files["path"].combine_chunks())
    same = pc.is_valid(places)
    of_manifest = files.take(places)
    for column, name in zip(_VERSION[1:], of_manifest.column_names[1:], strict=True):
        ours, theirs = rows[column], of_manifest[name]
        both_null = pc.and_(pc.is_null(ours), pc.is_null(theirs))
        same = pc.and_(same, pc.or_(pc.fill_null(pc.equal(ours, theirs), False), both_null))
    return rows.filter(same)


def _arrived_since(scan: ScanState | None, storage: Storage, path: str, landing: str) -> bool:
    if scan is None or not scan.complete or scan.is_other_landing(landing):
        return True
    if scan.began_at > now():  # a clock that was set back cannot tell
        return True
    try:
        changed = storage.changed_at(path)
    except OSError:  # it went away, or a folder on the way to it did
        return True
    return changed >= scan.began_at.timestamp() - storage.min_file_age_seconds
