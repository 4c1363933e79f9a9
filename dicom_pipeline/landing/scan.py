"""Compare the landing zone with the manifests: new, changed, moved and deleted files.

Belongs here: the decisions of a scan, including the guard against mass deletion.
Does not belong here: listing a zone (storage), the partition of a file (partition_key).
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from dicom_pipeline.common.errors import ConfirmationRequired
from dicom_pipeline.common.pydicom_logging import silence_pydicom
from dicom_pipeline.config.settings import Granularity, OnDelete
from dicom_pipeline.landing.manifest import (
    ManifestRow,
    ManifestStore,
    ScanState,
    count_ignored,
    now,
)
from dicom_pipeline.landing.partition_key import HEAD_BYTES, is_period, study_day, study_period
from dicom_pipeline.landing.storage import FileVersion, Ignored, Listing, Storage

GUARDED_FROM = 20
NOT_LISTED = (
    "the landing zone is not a directory that can be listed; check DICOM_LANDING_URI, or whether "
    "it is mounted"
)

Progress = Callable[[str, int, int], None]


class ScanRefused(ConfirmationRequired):
    """A user must confirm what the scan found; nothing was changed."""


@dataclass
class ScanReport:
    """Counts of one scan, and the partitions whose manifests it rewrote."""

    listed: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    deleted: int = 0
    kept: int = 0
    unsettled: int = 0
    postponed: int = 0
    errors: int = 0
    cut_short: bool = False
    next_start: int = 0
    seconds: float = 0.0
    ignored: dict[str, int] = field(default_factory=dict)
    partitions: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ScanRules:
    """Settings of a scan.

    Attributes
    ----------
    granularity
        Granularity of the partitions.
    on_delete
        What happens to rows of deleted files.
    max_deleted_fraction
        Fraction of the known files that may be deleted without confirmation.
    accept_deletions
        Whether the user confirmed the deletions.
    landing
        The landing zone as in the settings.
    deletable_without_confirmation
        Whether these deleted files need no confirmation, whatever their number.
    """

    granularity: Granularity
    on_delete: OnDelete = OnDelete.REMOVE
    max_deleted_fraction: float = 0.2
    accept_deletions: bool = False
    landing: str = ""
    deletable_without_confirmation: Callable[[Iterable[FileVersion]], bool] = lambda _files: False


def exceeds_delete_guard(deleted: int, known: int, max_fraction: float) -> bool:
    """Whether so many known files were deleted that a user must confirm it.

    Parameters
    ----------
    deleted, known
        Number of deleted files, and of all known files.
    max_fraction
        Fraction that may be deleted without confirmation. It applies from 20 known files on.
    """
    return known >= GUARDED_FROM and deleted / known > max_fraction


class Scanner:
    """One scan of a landing zone.

    Parameters
    ----------
    storage, manifests
        The landing zone to list, and the manifests to compare it with.
    rules
        Granularity, and the treatment of deleted files.
    budget
        Time limit in seconds for listing and reading; the next scan continues.
    progress
        Called with the current activity, the number of files done and their total.
    purged
        Files of purged subjects; they are ignored.
    """

    def __init__(
        self,
        storage: Storage,
        manifests: ManifestStore,
        rules: ScanRules,
        *,
        budget: float | None = None,
        progress: Progress | None = None,
        purged: Container[FileVersion] = (),
    ) -> None:
        self.storage = storage
        self.manifests = manifests
        self.rules = rules
        self.deadline = None if budget is None else time.monotonic() + budget
        self.progress = progress or (lambda what, done, total: None)
        self.purged = purged
        self.report = ScanReport()
        # by path: the version in the manifests, and the partition
        self._known: dict[str, FileVersion] = {}
        self._partition_of: dict[str, str] = {}
        self._unopened: set[str] = set()
        self._rows: dict[str, dict[str, ManifestRow]] = {}
        self._touched: set[str] = set()
        self._gained: set[str] = set()

    def run(self, start: int = 0) -> ScanReport:
        """Scan once.

        Parameters
        ----------
        start
            ``next_start`` of the last report if that listing was cut short.

        Raises
        ------
        ScanRefused
            The landing zone cannot be listed, or so many known files are gone that a user must
            confirm it.
        """
        with _without_garbage_collection():
            return self._run(start)

    def _run(self, start: int) -> ScanReport:
        began, began_at = time.monotonic(), now()
        silence_pydicom()
        self._load()
        # listing may use at most half of the budget
        half = None if self.deadline is None else began + (self.deadline - began) / 2
        listing = self.storage.list_landing(start=start, deadline=half)
        if not listing.rooted:
            raise ScanRefused(NOT_LISTED)
        self._skip_purged(listing)
        report = self.report
        report.listed = len(listing.files)
        report.unsettled = len(listing.unsettled)
        report.errors = listing.errors
        report.cut_short = listing.cut_short
        report.next_start = listing.next_start
        report.ignored = count_ignored(listing.ignored)
        self._remove_gone(listing)
        self._assign_partitions(listing.files)
        self._write()
        self.manifests.write_state(
            ScanState(
                began_at,
                listing.complete and not report.postponed,
                report.unsettled + report.postponed,
                report.ignored,
                self.rules.landing,
            )
        )
        report.seconds = time.monotonic() - began
        return report

    def _load(self) -> None:
        for period in self.manifests.periods():
            files, unopened = self.manifests.files(period)
            paths = [file.path for file in files]
            for path in self._partition_of.keys() & paths:  # a scan was killed between two writes
                self._drop(path)
            self._known.update(zip(paths, files, strict=True))
            self._partition_of.update(dict.fromkeys(paths, period))
            self._unopened |= unopened
        for period in self.manifests.periods():
            if not is_period(period, self.rules.granularity):
                for path, row in list(self._rows_of(period).items()):
                    self._move(path, row)
                self._touched.add(period)

    def _rows_of(self, period: str) -> dict[str, ManifestRow]:
        """Return the full rows of one partition; read only for partitions that are written."""
        if period not in self._rows:
            self._rows[period] = {row.file.path: row for row in self.manifests.read(period)}
        return self._rows[period]

    def _drop(self, path: str) -> str:
        """Remove a file from its partition, and return that partition."""
        period = self._partition_of.pop(path)
        del self._rows_of(period)[path]
        del self._known[path]
        self._unopened.discard(path)
        self._touched.add(period)
        return period

    def _move(self, path: str, row: ManifestRow) -> None:
        new = study_period(row.study_day, self.rules.granularity)
        old = self._drop(path) if path in self._partition_of else None
        self.report.moved += old not in (None, new)
        self._rows_of(new)[path] = row
        self._known[path] = row.file
        self._partition_of[path] = new
        if not row.opened:
            self._unopened.add(path)
        self._touched.add(new)
        if old != new:
            self._gained.add(new)

    def _skip_purged(self, listing: Listing) -> None:
        paths = {file.path for file in listing.files if file in self.purged}
        if not paths:
            return
        listing.files = [file for file in listing.files if file.path not in paths]
        listing.ignored.update(dict.fromkeys(paths, Ignored.PURGED))
        for path in paths & self._partition_of.keys():  # the raw step was killed earlier
            self._drop(path)

    def _remove_gone(self, listing: Listing) -> None:
        present = {file.path for file in listing.files}
        present.update(listing.unsettled)
        gone = [path for path in self._partition_of if path not in present]
        if not gone or not listing.complete:
            return
        if self.rules.on_delete is OnDelete.KEEP:
            self.report.kept = len(gone)
            return
        known = len(self._partition_of)
        everything = not present and Ignored.PURGED not in listing.ignored.values()
        too_many = exceeds_delete_guard(len(gone), known, self.rules.max_deleted_fraction)
        if (everything or too_many) and not (
            self.rules.accept_deletions
            or self.rules.deletable_without_confirmation(self._known[path] for path in gone)
        ):
            raise ScanRefused(
                f"{len(gone)} of {known} known files are gone from the landing zone"
                f"{self._other_landing_note()}; if that is intended, run: dicom-pipeline scan "
                "--accept-deletions"
            )
        for path in gone:
            self._drop(path)
        self.report.deleted = len(gone)

    def _other_landing_note(self) -> str:
        state = self.manifests.read_state()
        if state is None or not state.is_other_landing(self.rules.landing):
            return ""
        return ", which is not the landing zone of the last scan: DICOM_LANDING_URI names another"

    def _assign_partitions(self, files: list[FileVersion]) -> None:
        todo = list(self._new_or_changed(files))
        heads = self.storage.heads(todo, HEAD_BYTES)
        for done, (file, head) in enumerate(zip(todo, heads, strict=False)):
            if self.deadline is not None and time.monotonic() > self.deadline:
                self.report.postponed = len(todo) - done
                return
            if done % 1000 == 0:
                self.progress("reading study dates of new files", done, len(todo))
            partition = self._partition_of.get(file.path)
            row = _row_of(file, head)
            if row is None:
                continue
            if partition is None:
                self.report.new += 1
            else:
                before = self._rows_of(partition)[file.path]
                if before.file == file and not row.opened:
                    continue  # still unreadable: no change
                row = replace(row, first_seen=before.first_seen)
                self.report.changed += 1
            self._move(file.path, row)
        if todo:
            self.progress("reading study dates of new files", len(todo), len(todo))

    def _new_or_changed(self, files: list[FileVersion]) -> Iterator[FileVersion]:
        for file in files:
            if self._known.get(file.path) != file or file.path in self._unopened:
                yield file

    def _write(self) -> None:
        # write partitions that gain files first: if the scan is killed, a file may then be in two
        # manifests, which the next scan corrects; a file in none would be read again
        for period in sorted(self._touched, key=lambda p: (p not in self._gained, p)):
            self.manifests.write(period, self._rows_of(period).values())
        self.report.partitions = sorted(self._touched)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Disable the search for reference cycles, which doubles the time of a scan.

    A scan has millions of objects and no cycles; reference counting still frees them.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _row_of(file: FileVersion, head: bytes | OSError) -> ManifestRow | None:
    """Return the manifest row of a file; None if it was deleted since the listing."""
    if isinstance(head, FileNotFoundError):
        return None
    if isinstance(head, OSError):
        return ManifestRow(file, None, False, now())
    return ManifestRow(file, study_day(head), True, now())
