"""Compare the landing zone with the manifests: what is new, changed, moved or gone.

Belongs here: the decisions of a scan, among them the guard against mass deletion.
Does not belong here: how a zone is listed (storage), how a file is placed (placement).
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
    """The scan found something that a person has to confirm; nothing was changed."""


@dataclass
class ScanReport:
    """Counts of one scan, and the partitions whose manifest it rewrote."""

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
    """Settings that a scan obeys.

    ``landing`` is what the settings call the landing zone, and ``deletable_without_confirmation`` says of files that
    are gone whether nobody needs to be asked about them.
    """

    grain: Granularity
    on_delete: OnDelete = OnDelete.REMOVE
    max_deleted_fraction: float = 0.2
    accept_deletions: bool = False
    landing: str = ""
    deletable_without_confirmation: Callable[[Iterable[FileVersion]], bool] = lambda _files: False


def exceeds_delete_guard(gone: int, known: int, share: float) -> bool:
    """Whether so many known files are gone that a person has to confirm it.

    Parameters
    ----------
    gone, known
        Files that are gone, of how many that are known.
    share
        What may vanish at once, of 20 files or more.
    """
    return known >= GUARDED_FROM and gone / known > share


class Scanner:
    """One scan of a landing zone.

    Parameters
    ----------
    storage, manifests
        The zone that is listed and the manifests it is compared with.
    rules
        Granularity, and what happens to rows of files that went away.
    budget
        Seconds after which listing and placing stop; what is left is for the next scan.
    progress
        Called with what is being done, how many are done and how many there are.
    purged
        Files that are known to be of a subject who was purged: they are passed over.
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
        # by path: the version that the manifests have, and the partition it is in
        self._known: dict[str, FileVersion] = {}
        self._home: dict[str, str] = {}
        self._closed: set[str] = set()
        self._rows: dict[str, dict[str, ManifestRow]] = {}
        self._touched: set[str] = set()
        self._gained: set[str] = set()

    def run(self, start: int = 0) -> ScanReport:
        """Scan once.

        Parameters
        ----------
        start
            Where a listing that was cut off said that the next one should begin.

        Raises
        ------
        ScanRefused
            The landing zone cannot be listed, or so many known files are gone that it may not be
            what it was.
        """
        with _without_collector():
            return self._run(start)

    def _run(self, start: int) -> ScanReport:
        began, began_at = time.monotonic(), now()
        silence_pydicom()
        self._load()
        # the budget is shared: half of it at most goes into listing
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
        self._place(listing.files)
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
            files, closed = self.manifests.files(period)
            paths = [file.path for file in files]
            for path in self._home.keys() & paths:  # a scan was killed between two manifests
                self._drop(path)
            self._known.update(zip(paths, files, strict=True))
            self._home.update(dict.fromkeys(paths, period))
            self._closed |= closed
        for period in self.manifests.periods():
            if not is_period(period, self.rules.grain):
                for path, row in list(self._rows_of(period).items()):
                    self._move(path, row)
                self._touched.add(period)

    def _rows_of(self, period: str) -> dict[str, ManifestRow]:
        """Rows of one partition, whole: only those are read that are written."""
        if period not in self._rows:
            self._rows[period] = {row.file.path: row for row in self.manifests.read(period)}
        return self._rows[period]

    def _drop(self, path: str) -> str:
        """Take a file out of its partition, which is returned."""
        period = self._home.pop(path)
        del self._rows_of(period)[path]
        del self._known[path]
        self._closed.discard(path)
        self._touched.add(period)
        return period

    def _move(self, path: str, row: ManifestRow) -> None:
        new = study_period(row.study_day, self.rules.grain)
        old = self._drop(path) if path in self._home else None
        self.report.moved += old not in (None, new)
        self._rows_of(new)[path] = row
        self._known[path] = row.file
        self._home[path] = new
        if not row.opened:
            self._closed.add(path)
        self._touched.add(new)
        if old != new:
            self._gained.add(new)

    def _skip_purged(self, listing: Listing) -> None:
        theirs = {file.path for file in listing.files if file in self.purged}
        if not theirs:
            return
        listing.files = [file for file in listing.files if file.path not in theirs]
        listing.ignored.update(dict.fromkeys(theirs, Ignored.WITHDRAWN))
        for path in theirs & self._home.keys():  # the raw step was killed before it did this
            self._drop(path)

    def _remove_gone(self, listing: Listing) -> None:
        present = {file.path for file in listing.files}
        present.update(listing.unsettled)
        gone = [path for path in self._home if path not in present]
        if not gone or not listing.complete:
            return
        if self.rules.on_delete is OnDelete.KEEP:
            self.report.kept = len(gone)
            return
        known = len(self._home)
        everything = not present and Ignored.WITHDRAWN not in listing.ignored.values()
        too_many = exceeds_delete_guard(len(gone), known, self.rules.max_deleted_fraction)
        if (everything or too_many) and not (
            self.rules.accept_deletions
            or self.rules.deletable_without_confirmation(self._known[path] for path in gone)
        ):
            raise ScanRefused(
                f"{len(gone)} of {known} known files are gone from the landing zone"
                f"{self._if_another()}; if that is right, run: dicom-pipeline scan "
                "--accept-deletions"
            )
        for path in gone:
            self._drop(path)
        self.report.deleted = len(gone)

    def _if_another(self) -> str:
        state = self.manifests.read_state()
        if state is None or not state.is_other_landing(self.rules.landing):
            return ""
        return ", which is not the one that was scanned before: DICOM_LANDING_URI names another"

    def _place(self, files: list[FileVersion]) -> None:
        todo = list(self._unplaced(files))
        heads = self.storage.heads(todo, HEAD_BYTES)
        for done, (file, head) in enumerate(zip(todo, heads, strict=False)):
            if self.deadline is not None and time.monotonic() > self.deadline:
                self.report.postponed = len(todo) - done
                return
            if done % 1000 == 0:
                self.progress("placing new files", done, len(todo))
            known = self._home.get(file.path)
            row = _row_of(file, head)
            if row is None:
                continue
            if known is None:
                self.report.new += 1
            else:
                before = self._rows_of(known)[file.path]
                if before.file == file and not row.opened:
                    continue  # as unreadable as before: nothing has changed
                row = replace(row, first_seen=before.first_seen)
                self.report.changed += 1
            self._move(file.path, row)
        if todo:
            self.progress("placing new files", len(todo), len(todo))

    def _unplaced(self, files: list[FileVersion]) -> Iterator[FileVersion]:
        for file in files:
            if self._known.get(file.path) != file or file.path in self._closed:
                yield file

    def _write(self) -> None:
        # partitions that gain files come first: a file in two manifests is mended by the next
        # scan, a file in none would be read anew
        for period in sorted(self._touched, key=lambda p: (p not in self._gained, p)):
            self.manifests.write(period, self._rows_of(period).values())
        self.report.partitions = sorted(self._touched)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Objects that live as long as the scan, millions of them: looking for cycles doubles its time.

    There are none; what the scan lets go of is freed all the same.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _row_of(file: FileVersion, head: bytes | OSError) -> ManifestRow | None:
    """The row of a file whose head was read; None when it went away since the listing."""
    if isinstance(head, FileNotFoundError):
        return None
    if isinstance(head, OSError):
        return ManifestRow(file, None, False, now())
    return ManifestRow(file, study_day(head), True, now())
