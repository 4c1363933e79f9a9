"""Is every file accounted for? discovered = loaded + duplicate + rejected + ignored + pending.

Belongs here: counting, from a listing of its own and from what lies in the raw zone.
Does not belong here: mending what does not add up, and Dagster's check around it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import repeat

from dicom_pipeline.extract.partition import Partitions
from dicom_pipeline.extract.reader import Reason
from dicom_pipeline.extract.tables import REJECTED
from dicom_pipeline.landing.directory import DirectoryStorage
from dicom_pipeline.landing.scan import NOT_LISTED, ScanRefused
from dicom_pipeline.landing.storage import FileVersion

_VERSION = ("file_path", "file_size", "file_mtime_ns")


@dataclass
class Account:
    """Counts of files; ``lost`` must be 0.

    ``gone`` counts files that have rows and are no longer in the landing zone; they are not part
    of ``discovered``. ``double`` counts files that have more than one row, ``stale_partitions``
    those whose parquet is not as their manifest has it.
    """

    discovered: int = 0
    loaded: int = 0
    duplicate: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    pending: int = 0
    gone: int = 0
    stale_partitions: int = 0
    lost: int = 0
    double: int = 0

    @property
    def balanced(self) -> bool:
        """Whether the sum is right."""
        parts = self.loaded + self.duplicate + self.pending
        parts += self.rejected.total() + self.ignored.total()
        return self.discovered == parts and not self.lost and not self.double


def account(storage: DirectoryStorage, partitions: Partitions) -> Account:
    """Hold a listing of the landing zone against the rows of the raw zone.

    Parameters
    ----------
    storage
        The landing zone; it is walked anew, by another way than the scan's.
    partitions
        The manifests and the raw parquet.

    Raises
    ------
    ScanRefused
        The landing zone cannot be listed.
    """
    outcomes, manifest = _outcomes(partitions)
    result = Account()
    result.double = sum(len(found) - 1 for found in outcomes.values() if len(found) > 1)
    listing = storage.list_landing()
    if not listing.rooted:
        raise ScanRefused(NOT_LISTED)
    young = set(listing.unsettled)
    known = partitions.withdrawals.files()
    withdrawn = {file.path for file in listing.files if file in known}
    done: dict[str, bool] = {}
    seen = set()
    for path in storage.count_files():
        seen.add(path)
        result.discovered += 1
        found = outcomes.get(path)
        if found:
            outcome, reason = found[0]
            if outcome in ("rejected", "ignored"):
                getattr(result, outcome)[reason] += 1
            else:
                setattr(result, outcome, getattr(result, outcome) + 1)
        elif path in manifest:
            # in the manifest and without a row: pending, unless its partition is said to be done
            period, _ = manifest[path]
            if period not in done:
                done[period] = partitions.raw.version(period) == partitions.wanted_version(period)
            if done[period]:
                result.lost += 1
            else:
                result.pending += 1
        elif path in withdrawn:
            result.ignored[Reason.WITHDRAWN] += 1
        elif path in listing.ignored:
            result.ignored[listing.ignored[path]] += 1
        elif path in young or _arrived_since_scan(storage, partitions, path):
            result.pending += 1
        else:
            result.lost += 1
    result.gone = sum(path not in seen for path in outcomes)
    wanted = partitions.wanted_versions()
    result.stale_partitions = sum(partitions.raw.version(p) != v for p, v in wanted.items())
    return result


def _outcomes(
    partitions: Partitions,
) -> tuple[dict[str, list[tuple[str, str]]], dict[str, tuple[str, FileVersion]]]:
    """What the raw zone says of each file, and the manifests' files with their partitions."""
    outcomes: dict[str, list[tuple[str, str]]] = {}
    manifest: dict[str, tuple[str, FileVersion]] = {}
    for period in partitions.manifests.periods():
        for file in partitions.manifests.files(period)[0]:
            manifest[file.path] = (period, file)
    for period in partitions.raw.periods():
        images = partitions.raw.read("images", period, [*_VERSION, "file_outcome"])
        rejects = partitions.raw.read(REJECTED, period, [*_VERSION, "outcome", "reason"])
        current = partitions.raw.version(period)
        if images is None or rejects is None or current is None:
            continue
        rows = [
            *zip(*(column.to_pylist() for column in images.columns), repeat("")),
            *zip(*(column.to_pylist() for column in rejects.columns), strict=True),
        ]
        for path, size, mtime_ns, outcome, reason in rows:
            known = manifest.get(path)
            # a row of an older version of the file, or of the partition it left, is not its row
            if known is None or known[0] != period:
                continue
            if (known[1].size, known[1].mtime_ns) != (size, mtime_ns):
                continue
            outcomes.setdefault(path, []).append((outcome, reason))
    return outcomes, manifest


def _arrived_since_scan(storage: DirectoryStorage, partitions: Partitions, path: str) -> bool:
    state = partitions.manifests.read_state()
    if state is None or not state.complete:
        return True
    try:
        changed = storage.changed_at(path)
    except OSError:  # it went away, or a folder on the way to it did
        return True
    return changed >= state.began_at.timestamp() - storage.settle_seconds
