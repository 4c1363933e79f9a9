"""Ingest service: landing zone and raw zone of one set of settings.

Belongs here: creating storage, manifests and readers from the settings, and running a scan.
Does not belong here: comparing files (landing.scan), extraction (raw_step), locks
(operations.write_session), Dagster.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dicom_pipeline.common.locks import LockUnavailable, writer_lock
from dicom_pipeline.common.private_files import LOCAL_WRITER, Writer, ensure_private_directory
from dicom_pipeline.config.locations import S3Location
from dicom_pipeline.config.settings import Extractor, OnDelete, Settings
from dicom_pipeline.extract.partition import Partitions
from dicom_pipeline.extract.raw_step import Progress, RawStep, ReadHeaders
from dicom_pipeline.extract.raw_zone.manifest_recovery import recover_manifests
from dicom_pipeline.extract.raw_zone.parquet import RawZone
from dicom_pipeline.extract.raw_zone.s3_mirror import RawMirror
from dicom_pipeline.extract.raw_zone.tombstones import Tombstones
from dicom_pipeline.extract.reconciliation import FileCounts, reconcile
from dicom_pipeline.extract.worker import WorkerPlan
from dicom_pipeline.landing.factory import open_storage
from dicom_pipeline.landing.manifest import CorruptManifest, ManifestStore, now
from dicom_pipeline.landing.sample import is_sample
from dicom_pipeline.landing.scan import Progress as ScanProgress
from dicom_pipeline.landing.scan import Scanner, ScanReport, ScanRules
from dicom_pipeline.landing.storage import Storage
from dicom_pipeline.mapping.attribute_mapping import MAPPING_CSV, AttributeMapping, load_mapping

if TYPE_CHECKING:
    from dicom_pipeline.landing.s3.event_listing import EventListing


class Ingest:
    """Landing zone and raw zone of one set of settings.

    Parameters
    ----------
    settings
        Locations and options.
    mapping_csv
        The seed that maps attributes to tables and columns.
    """

    def __init__(self, settings: Settings, mapping_csv: Path = MAPPING_CSV) -> None:
        self.settings = settings
        self.mapping_csv = mapping_csv
        # the summary of a run reuses the result of the check: reconciliation lists all files
        self.latest_counts: FileCounts | None = None

    @property
    def mapping(self) -> AttributeMapping:
        """The mapping, read from its file at each access, so that the next run uses added lines."""
        return load_mapping(self.mapping_csv)

    @cached_property
    def storage(self) -> Storage:
        """The landing zone."""
        return open_storage(
            self.settings.landing,
            follow_symlinks=self.settings.follow_symlinks,
            min_file_age_seconds=self.settings.min_file_age_seconds,
        )

    @cached_property
    def raw_mirror(self) -> RawMirror | None:
        """The raw zone if it is in a bucket, with its local copy; None if it is a directory."""
        settings = self.settings
        if not isinstance(settings.raw, S3Location):
            return None
        return RawMirror(settings.raw, settings.raw_dir, kms_key=settings.s3_kms_key)

    @property
    def raw_writer(self) -> Writer:
        """Writer of the files of the raw zone."""
        return self.raw_mirror or LOCAL_WRITER

    @cached_property
    def manifests(self) -> ManifestStore:
        """The manifests of the raw zone."""
        return ManifestStore(self.settings.raw_dir, self.raw_writer)

    @property
    def raw(self) -> RawZone:
        """The parquet files of the raw zone."""
        return RawZone(self.settings.raw_dir, self.mapping, self.raw_writer)

    @property
    def tombstones(self) -> Tombstones:
        """The tombstones of the raw zone, as they are now."""
        return Tombstones(self.settings.raw_dir, self.raw_writer)

    @property
    def partitions(self) -> Partitions:
        """The partitions of the raw zone."""
        return self._worker_plan.partitions(self.raw_writer)

    def pull(self) -> None:
        """Update the local copy of a raw zone in a bucket, for commands that only read.

        Does nothing while another process on this machine writes: it updates the copy itself.
        """
        if self.raw_mirror is not None:
            with suppress(LockUnavailable), writer_lock(self.settings.warehouse_dir, wait=False):
                self.raw_mirror.pull(self.raw_mirror.lease.generation())

    def scan(
        self,
        *,
        start: int = 0,
        budget: float | None = None,
        accept_deletions: bool = False,
        progress: ScanProgress | None = None,
    ) -> ScanReport:
        """Compare the landing zone with the manifests; the caller holds the write lock.

        Parameters
        ----------
        start
            Position in the listing at which a cut-off scan continues.
        budget
            Seconds after which the scan stops; None for no limit.
        accept_deletions
            Whether any number of deleted files is accepted without confirmation.
        progress
            Called with the step, the number done and the total.

        Raises
        ------
        ScanRefused
            More files are missing than `Settings.max_deleted_fraction` allows.
        """
        ensure_private_directory(self.settings.raw_dir)
        rules = ScanRules(
            granularity=self.settings.partition_by,
            on_delete=self.settings.on_delete,
            max_deleted_fraction=self.settings.max_deleted_fraction,
            accept_deletions=accept_deletions,
            landing=str(self.settings.landing),
            deletable_without_confirmation=is_sample,
        )
        recover_manifests(self.partitions)
        try:
            return self._scan(rules, start, budget, progress)
        except CorruptManifest:
            recover_manifests(self.partitions, corrupt_too=True)
            return self._scan(rules, start, budget, progress)

    def _scan(
        self, rules: ScanRules, start: int, budget: float | None, progress: ScanProgress | None
    ) -> ScanReport:
        began_at = now()
        event_listing = None if rules.accept_deletions else self._event_listing()
        scanner = Scanner(
            event_listing or self.storage,
            self.manifests,
            rules,
            budget=budget,
            progress=progress,
            purged=self.tombstones.files(),
        )
        report = scanner.run(start)
        if event_listing is not None:
            event_listing.acknowledge(all_placed=not report.postponed)
        elif self.settings.queue_url is not None and not (report.cut_short or report.errors):
            self.manifests.note_listing(began_at)
        return report

    def _event_listing(self, *, with_queue: bool = True) -> EventListing | None:
        """Return a listing from S3 events; None without a queue or if a full listing is due."""
        settings = self.settings
        if settings.queue_url is None or not isinstance(settings.landing, S3Location):
            return None
        listed_at = self.manifests.listed_at()
        interval = timedelta(hours=settings.full_listing_interval_hours)
        if listed_at is None or now() - listed_at >= interval:
            return None
        from dicom_pipeline.landing.s3.event_listing import EventListing
        from dicom_pipeline.landing.s3.queue import EventQueue

        queue = EventQueue(settings.queue_url) if with_queue else None
        return EventListing(settings.landing, queue, self.manifests)

    def raw_step(self, progress: Progress | None = None) -> RawStep:
        """Return the step that updates partitions to match their manifests."""
        return RawStep(
            self.partitions,
            self._worker_plan,
            workers=self.settings.workers,
            progress=progress,
            remote_reader=self._remote_reader(),
        )

    def _remote_reader(self) -> ReadHeaders | None:
        """Return the reader on AWS Lambda; None if local processes read headers."""
        settings = self.settings
        if settings.extractor is Extractor.LOCAL:
            return None
        from dicom_pipeline.extract.lambda_.pool import LambdaPool

        assert settings.lambda_function is not None
        assert isinstance(settings.raw, S3Location)
        return LambdaPool(
            settings.lambda_function,
            settings.raw,
            concurrency=settings.lambda_concurrency,
            kms_key=settings.s3_kms_key,
        ).read_headers

    def clear_batches(self) -> None:
        """Delete result batches of AWS Lambda that killed runs left; needs the write lock."""
        from dicom_pipeline.extract.lambda_.pool import clear_batches

        if isinstance(self.settings.raw, S3Location):
            clear_batches(self.settings.raw)

    @property
    def _worker_plan(self) -> WorkerPlan:
        return WorkerPlan(
            self.settings.landing,
            self.settings.raw_dir,
            self.mapping_csv,
            self.settings.reader,
            keep_deleted=self.settings.on_delete is OnDelete.KEEP,
            follow_symlinks=self.settings.follow_symlinks,
            allow_missing_uids=self.settings.allow_missing_uids,
        )

    def reconcile(self, *, listed: bool = True) -> FileCounts:
        """Compare a listing of the landing zone with the raw zone.

        Parameters
        ----------
        listed
            Whether to list the files even if S3 events replace listings. If False and no full
            listing is due, the files of the manifests are used.
        """
        known = None if listed else self._event_listing(with_queue=False)
        self.latest_counts = reconcile(
            known or self.storage, self.partitions, landing=str(self.settings.landing)
        )
        return self.latest_counts
