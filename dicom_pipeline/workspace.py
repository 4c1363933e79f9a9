"""What the settings make of the parts: the one object that orchestration and commands hold.

Belongs here: wiring of landing, extract and warehouse by the settings; no logic of its own.
Does not belong here: Dagster, dbt calls, printing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dicom_pipeline.common.disk_errors import translate_disk_errors
from dicom_pipeline.common.locks import LockUnavailable, writer_lock
from dicom_pipeline.common.private_files import (
    FILE_MODE,
    LOCAL_WRITER,
    Writer,
    ensure_private_directory,
)
from dicom_pipeline.config.locations import S3Location
from dicom_pipeline.config.settings import Extractor, OnDelete, Settings
from dicom_pipeline.extract.file_counts import count_outcomes
from dicom_pipeline.extract.partition import Partitions
from dicom_pipeline.extract.raw_step import Progress, RawStep, ReadHeaders
from dicom_pipeline.extract.raw_zone.manifest_recovery import recover_manifests
from dicom_pipeline.extract.raw_zone.parquet import RawZone
from dicom_pipeline.extract.raw_zone.s3_mirror import RawMirror
from dicom_pipeline.extract.raw_zone.tombstones import Tombstones
from dicom_pipeline.extract.reconciliation import FileCounts, reconcile
from dicom_pipeline.extract.tables import IDENTITY_TERMS, table_schema
from dicom_pipeline.extract.worker import WorkerPlan
from dicom_pipeline.landing.factory import open_storage
from dicom_pipeline.landing.manifest import CorruptManifest, ManifestStore, now
from dicom_pipeline.landing.sample import is_sample
from dicom_pipeline.landing.scan import Progress as ScanProgress
from dicom_pipeline.landing.scan import Scanner, ScanReport, ScanRules
from dicom_pipeline.landing.storage import Storage
from dicom_pipeline.mapping.attribute_mapping import (
    ENTITIES,
    MAPPING_CSV,
    AttributeMapping,
    load_mapping,
)
from dicom_pipeline.operations.recovery import mending
from dicom_pipeline.warehouse.comments import describe
from dicom_pipeline.warehouse.duckdb import build_database as build_file
from dicom_pipeline.warehouse.duckdb.orphan_tables import drop_orphan_tables
from dicom_pipeline.warehouse.duckdb.publish import PublishReport, publish
from dicom_pipeline.warehouse.duckdb.row_counts import row_counts
from dicom_pipeline.warehouse.leak_check import LeakReport, check_for_leaks
from dicom_pipeline.warehouse.removed_words import (
    RemovedWord,
    removed_words,
    write_removed_words,
)
from dicom_pipeline.warehouse.run_info import run_info
from dicom_pipeline.warehouse.snowflake.build import SnowflakeBuild
from dicom_pipeline.warehouse.snowflake.load import LoadReport
from dicom_pipeline.warehouse.vault import (
    Secret,
    load_or_create_secret,
    vault_path,
    write_vault,
)

if TYPE_CHECKING:
    from dicom_pipeline.landing.s3.event_listing import EventListing

BUILD_WAIT_SECONDS = 900.0


class Pipeline:
    """The pipeline of one set of settings.

    Parameters
    ----------
    settings
        Where things are and how they are done.
    mapping_csv
        The seed that says which attributes go where.
    """

    def __init__(self, settings: Settings, mapping_csv: Path = MAPPING_CSV) -> None:
        self.settings = settings
        self.mapping_csv = mapping_csv
        # taking it reads all manifests and file names: a run's summary takes that of its check
        self.latest_counts: FileCounts | None = None

    @property
    def mapping(self) -> AttributeMapping:
        """The mapping as it is now: a line that was added counts from the next run on."""
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
        """The raw zone, where it lies in a bucket."""
        settings = self.settings
        if not isinstance(settings.raw, S3Location):
            return None
        return RawMirror(settings.raw, settings.raw_dir, kms_key=settings.s3_kms_key)

    @property
    def raw_writer(self) -> Writer:
        """What writes the files of the raw zone."""
        return self.raw_mirror or LOCAL_WRITER

    @cached_property
    def manifests(self) -> ManifestStore:
        """The manifests of the raw zone."""
        return ManifestStore(self.settings.raw_dir, self.raw_writer)

    @property
    def raw(self) -> RawZone:
        """The parquet of the raw zone."""
        return RawZone(self.settings.raw_dir, self.mapping, self.raw_writer)

    @property
    def tombstones(self) -> Tombstones:
        """The tombstones of the raw zone, as they are now."""
        return Tombstones(self.settings.raw_dir, self.raw_writer)

    @property
    def report_file(self) -> Path:
        """The report about the archive, which has true study months."""
        return self.settings.warehouse_dir / "report.html"

    @property
    def build_database(self) -> Path:
        """The private database that dbt builds in; of a build on Snowflake, a copy."""
        return self.settings.warehouse_dir / "build.duckdb"

    @property
    def partial_parse_path(self) -> Path:
        """What dbt keeps of the project as it was last parsed for that database."""
        return self.settings.warehouse_dir / "partial_parse.msgpack"

    @property
    def snowflake(self) -> SnowflakeBuild | None:
        """The build on Snowflake; None where DuckDB builds."""
        if self.settings.snowflake is None:
            return None
        return SnowflakeBuild(self.settings.snowflake, self.mapping, self.build_database)

    def prepare(self) -> None:
        """Make the zones, the key (on the very first run only), the vault and the raw schemas.

        Raises
        ------
        VaultError
            The key is missing or another one than before.
        """
        ensure_private_directory(self.settings.raw_dir)
        ensure_private_directory(self.settings.warehouse_dir)
        raw = self.raw
        first_run = not raw.periods() and not self.settings.database.exists()
        write_vault(self.secret(may_create=first_run), self.settings.warehouse_dir)
        raw.write_schemas()

    def secret(self, *, may_create: bool = False) -> Secret:
        """The key of the tables.

        Raises
        ------
        VaultError
            It is missing or another one than before.
        """
        return load_or_create_secret(
            warehouse_dir=self.settings.warehouse_dir,
            key=self.settings.pseudonym_key,
            key_file=self.settings.pseudonym_key_file,
            may_create=may_create,
        )

    def restrict_permissions(self) -> None:
        """Take other people's rights from what dbt wrote with its own umask."""
        for path in self.settings.warehouse_dir.iterdir():
            if path.is_file():
                path.chmod(FILE_MODE)

    @contextmanager
    def lock(
        self, *, wait: bool = True, waiting: Callable[[str], None] | None = None
    ) -> Iterator[None]:
        """The one lock of all writers; see `writer_lock`.

        With a raw zone in a bucket also that of writers on other machines; what they wrote is
        there once it is held.
        """
        settings, mirror = self.settings, self.raw_mirror
        places = {
            "DICOM_RAW_URI": settings.raw_dir,
            "DBT_DATABASE_NAME": settings.database.parent,
            "DICOM_WAREHOUSE_DIR": settings.warehouse_dir,
        }
        with (
            translate_disk_errors(places),
            writer_lock(settings.warehouse_dir, wait=wait, waiting=waiting),
            nullcontext() if mirror is None else mirror.held(wait=wait, waiting=waiting),
            mending(self.build_database, self.raw),
        ):
            yield

    def refresh_raw(self) -> None:
        """For who only reads: bring this machine's copy of a raw zone in a bucket up to date.

        While somebody on this machine writes, the copy is as good as it can be.
        """
        if self.raw_mirror is not None:
            with suppress(LockUnavailable), writer_lock(self.settings.warehouse_dir, wait=False):
                self.raw_mirror.pull(self.raw_mirror.lease.generation())

    def discard_build(self) -> None:
        """Remove the build database, so that nothing is left of it; the caller holds the lock.

        Rows that are only deleted stay readable in its pages until others are written over them.
        """
        self.wait_for_build()
        build_file.remove(self.build_database)

    def drop_orphan_tables(self, dbt_manifest: Path) -> list[str]:
        """Drop tables of older versions from the build database; the caller holds the lock.

        What Snowflake has is not looked at.
        """
        if self.snowflake is not None:
            return []
        return drop_orphan_tables(self.build_database, json.loads(dbt_manifest.read_text()))

    def wait_for_build(self, waiting: Callable[[str], None] | None = None) -> None:
        """Wait until no process without our lock holds the build database.

        One that nobody can open any more goes: it is made anew.
        """
        build_file.wait_until_free(self.build_database, seconds=BUILD_WAIT_SECONDS, waiting=waiting)

    def scan(
        self,
        *,
        start: int = 0,
        budget: float | None = None,
        accept_deletions: bool = False,
        progress: ScanProgress | None = None,
    ) -> ScanReport:
        """Compare the landing zone with the manifests; the caller holds the lock.

        Raises
        ------
        ScanRefused
            So many files are gone that a person has to confirm it.
        """
        ensure_private_directory(self.settings.raw_dir)
        rules = ScanRules(
            grain=self.settings.partition_by,
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
        announced = None if rules.accept_deletions else self._event_listing()
        scanner = Scanner(
            announced or self.storage,
            self.manifests,
            rules,
            budget=budget,
            progress=progress,
            purged=self.tombstones.files(),
        )
        report = scanner.run(start)
        if announced is not None:
            announced.acknowledge(all_placed=not report.postponed)
        elif self.settings.queue_url is not None and not (report.cut_short or report.errors):
            self.manifests.note_listing(began_at)
        return report

    def _event_listing(self, *, with_queue: bool = True) -> EventListing | None:
        """The landing zone by its messages, unless there are none or a listing is due."""
        settings = self.settings
        if settings.queue_url is None or not isinstance(settings.landing, S3Location):
            return None
        listed_at = self.manifests.listed_at()
        if listed_at is None or now() - listed_at >= timedelta(
            hours=settings.full_listing_interval_hours
        ):
            return None
        from dicom_pipeline.landing.s3.event_listing import EventListing
        from dicom_pipeline.landing.s3.queue import EventQueue

        queue = EventQueue(settings.queue_url) if with_queue else None
        return EventListing(settings.landing, queue, self.manifests)

    @property
    def partitions(self) -> Partitions:
        """The partitions of the raw zone, each by itself."""
        return self._worker_plan.partitions(self.raw_writer)

    def raw_step(self, progress: Progress | None = None) -> RawStep:
        """The step that brings raw partitions up to their manifests."""
        return RawStep(
            self.partitions,
            self._worker_plan,
            workers=self.settings.workers,
            progress=progress,
            remote_reader=self._remote_reader(),
        )

    def _remote_reader(self) -> ReadHeaders | None:
        """What reads headers, unless processes of this machine do."""
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
        """Delete rows that killed runs left on their way from AWS Lambda; holds the lock."""
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
        )

    def reconcile(self, *, listed: bool = True) -> FileCounts:
        """Hold a listing of the landing zone against the raw zone.

        Parameters
        ----------
        listed
            Whether it must be a listing where messages are to stand in for one. Without it, and
            until one is due, the files are those that the manifests have.
        """
        known = None if listed else self._event_listing(with_queue=False)
        self.latest_counts = reconcile(
            known or self.storage, self.partitions, landing=str(self.settings.landing)
        )
        return self.latest_counts

    def load_warehouse(self) -> LoadReport | None:
        """Bring what dbt reads to where it runs; the caller holds the lock.

        DuckDB reads the raw zone where it lies: there is nothing to do, and nothing returned.

        Raises
        ------
        SnowflakeError
            Snowflake refused something.
        """
        if self.snowflake is None:
            return None
        # where a file lies says something of a patient too, and no model asks: no rejected files
        tables = (*ENTITIES, IDENTITY_TERMS)
        schemas = {table: table_schema(self.mapping, table) for table in tables}
        return self.snowflake.prepare(self.secret(), self.raw, schemas)

    def check_for_leaks(self) -> LeakReport:
        """Hold what is about to be published against the raw zone; the caller holds the lock."""
        if self.snowflake is not None:
            self.snowflake.fetch()
        return check_for_leaks(
            self.build_database,
            vault_path(self.settings.warehouse_dir),
            self.settings.raw_dir,
            self.mapping,
            self.settings.profile,
        )

    def removed_words(self, least_patients: int) -> tuple[list[RemovedWord], Path]:
        """Words that were taken out of texts, also as a file in the raw zone; holds the lock."""
        raw_dir = self.settings.raw_dir
        found = removed_words(
            self.build_database,
            raw_dir,
            self.mapping,
            self.settings.profile,
            least_patients=least_patients,
        )
        return found, write_removed_words(found, raw_dir, self.raw_writer)

    def publish(self, dbt_manifest: Path) -> PublishReport:
        """Replace the published file, on Snowflake the schema first; the caller holds the lock.

        Parameters
        ----------
        dbt_manifest
            ``manifest.json`` of the dbt project, which describes the models.
        """
        manifest = json.loads(dbt_manifest.read_text())
        comments = describe(manifest, self.mapping, self.settings.profile)
        info = run_info(self.settings.profile, self.mapping_csv, count_outcomes(self.partitions))
        if self.snowflake is not None:
            checked = {
                table.removeprefix("processed."): rows
                for table, rows in row_counts(self.build_database).items()
            }
            self.snowflake.publish(comments, info, checked)
        return publish(self.build_database, self.settings.database, comments, info)
