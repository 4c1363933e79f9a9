"""Warehouse service: vault, build database, leak check and publication of one set of settings.

Belongs here: the files and the engine that the settings select, and the steps around a dbt build.
Does not belong here: the steps (other modules of this package), calling dbt, Dagster.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from dicom_pipeline.common.audit_log import AuditLog
from dicom_pipeline.common.private_files import ensure_private_directory, restrict_files
from dicom_pipeline.config.settings import Settings
from dicom_pipeline.deid.keys import Secret
from dicom_pipeline.extract.file_counts import count_outcomes
from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.warehouse.checked_stage import forget_checked, is_checked, record_checked
from dicom_pipeline.warehouse.comments import describe
from dicom_pipeline.warehouse.data_dictionary import Comments, RunInfo
from dicom_pipeline.warehouse.duckdb import build_database
from dicom_pipeline.warehouse.duckdb.orphan_tables import drop_orphan_tables
from dicom_pipeline.warehouse.duckdb.publish import PublishRefused, PublishReport, publish
from dicom_pipeline.warehouse.duckdb.row_counts import row_counts
from dicom_pipeline.warehouse.leak_check.check import CheckedFiles, check_for_leaks
from dicom_pipeline.warehouse.leak_check.findings_file import (
    ensure_findings,
    findings_path,
    removed_cells,
    write_findings,
)
from dicom_pipeline.warehouse.leak_check.report import LeakReport, Limits, RemovedCells
from dicom_pipeline.warehouse.mapping_changes import record_mapping_changes
from dicom_pipeline.warehouse.removed_words import (
    RemovedWord,
    removed_words,
    write_removed_words,
)
from dicom_pipeline.warehouse.run_info import run_info
from dicom_pipeline.warehouse.snowflake.build import SnowflakeBuild
from dicom_pipeline.warehouse.snowflake.load import LoadReport
from dicom_pipeline.warehouse.vault import load_or_create_secret, vault_path, write_vault

BUILD_WAIT_SECONDS = 900.0


class Warehouse:
    """Vault, build database and published database.

    Parameters
    ----------
    settings
        Locations and options.
    ingest
        The raw zone that the tables are built from.
    """

    def __init__(self, settings: Settings, ingest: Ingest) -> None:
        self.settings = settings
        self._ingest = ingest

    @property
    def audit_log(self) -> AuditLog:
        """The record of what was published, and of commands that show or change patient data."""
        return AuditLog(self._audit_dir, self.settings.audit_retention_days)

    @property
    def _audit_dir(self) -> Path:
        return self.settings.warehouse_dir / "audit"

    @property
    def report_file(self) -> Path:
        """The HTML report; private, because it has true study months."""
        return self.settings.warehouse_dir / "report.html"

    @property
    def build_database(self) -> Path:
        """The private database that dbt builds in."""
        return self.settings.warehouse_dir / "build.duckdb"

    @property
    def partial_parse_path(self) -> Path:
        """The partial parse file that dbt wrote in the last build of that database."""
        return self.settings.warehouse_dir / "partial_parse.msgpack"

    @property
    def snowflake(self) -> SnowflakeBuild | None:
        """The tables on Snowflake; None if the target is DuckDB only."""
        if self.settings.snowflake is None:
            return None
        return SnowflakeBuild(self.settings.snowflake, self._ingest.mapping, self.build_database)

    def prepare(self) -> None:
        """Create directories, key (on the first run only), vault, raw schemas, file of findings.

        Raises
        ------
        VaultError
            The key is missing or is not the key of the existing tables.
        """
        ensure_private_directory(self.settings.raw_dir)
        ensure_private_directory(self.settings.warehouse_dir)
        raw = self._ingest.raw
        first_run = not raw.periods() and not self.settings.database.exists()
        write_vault(self.secret(may_create=first_run), self.settings.warehouse_dir)
        raw.write_schemas()
        ensure_findings(findings_path(self.settings.warehouse_dir))

    def secret(self, *, may_create: bool = False) -> Secret:
        """Return the secret that is derived from the key of the tables.

        Raises
        ------
        VaultError
            The key is missing or is not the key of the existing tables.
        """
        return load_or_create_secret(
            warehouse_dir=self.settings.warehouse_dir,
            key=self.settings.pseudonym_key,
            key_file=self.settings.pseudonym_key_file,
            may_create=may_create,
        )

    def restrict_permissions(self) -> None:
        """Make files that dbt wrote readable only by their owner; dbt uses the umask."""
        restrict_files(self.settings.warehouse_dir)

    def discard_build(self) -> None:
        """Remove the build database; the caller holds the write lock.

        Deleted rows would stay readable in its pages until others overwrite them.
        """
        self.wait_for_build()
        build_database.remove(self.build_database)

    def drop_orphan_tables(self, dbt_manifest: Path) -> list[str]:
        """Drop tables that no model builds any more; the caller holds the write lock."""
        return drop_orphan_tables(self.build_database, json.loads(dbt_manifest.read_text()))

    def wait_for_build(self, waiting: Callable[[str], None] | None = None) -> None:
        """Wait until no process without the write lock has the build database open.

        A file that is not a valid database is removed; the next build creates it again.
        """
        build_database.wait_until_free(
            self.build_database, seconds=BUILD_WAIT_SECONDS, waiting=waiting
        )

    def check_for_leaks(self, rebuild: Callable[[], None]) -> LeakReport:
        """Check the tables before they leave the private zone; the caller holds the write lock.

        Cells with an identifier of their patient are written into the file of findings and the
        tables are rebuilt without them, unless they are so many that the mapping must be wrong.

        Parameters
        ----------
        rebuild
            Builds the stage and processed tables again; called if cells have to be removed.
        """
        forget_checked(self.build_database)
        findings = findings_path(self.settings.warehouse_dir)
        report = self._leak_report(after_removal=False)
        if report.passed and report.found:
            write_findings(findings, report.rows)
            rebuild()
            report = self._leak_report(after_removal=True)
        if report.passed:
            write_findings(findings, report.rows)  # drops cells of former versions
            record_checked(self.build_database)
        return report

    def _leak_report(self, *, after_removal: bool) -> LeakReport:
        settings = self.settings
        files = CheckedFiles(
            self.build_database,
            vault_path(settings.warehouse_dir),
            settings.raw_dir,
            findings_path(settings.warehouse_dir),
        )
        limits = Limits(settings.leak_limit_patients, settings.leak_limit_fraction)
        return check_for_leaks(
            files, self._ingest.mapping, settings.profile, limits, after_removal=after_removal
        )

    def removed_cells(self) -> list[RemovedCells]:
        """Return the number of cells that the leak check removed, by table and column."""
        return removed_cells(findings_path(self.settings.warehouse_dir))

    def load_snowflake(self) -> LoadReport:
        """Send the stage tables to Snowflake; the caller holds the write lock.

        Raises
        ------
        PublishRefused
            The stage tables have changed since the leak check passed.
        SnowflakeError
            Snowflake refused a statement.
        """
        assert self.snowflake is not None
        self._require_check("nothing was sent to Snowflake")
        return self.snowflake.load()

    def _require_check(self, refusal: str) -> None:
        if not is_checked(self.build_database):
            raise PublishRefused(
                f"{refusal}: these stage tables have not passed the leak check; "
                "materialize published/database first"
            )

    def removed_words(self, min_patients: int) -> tuple[list[RemovedWord], Path]:
        """Return words removed from texts, and the file in the raw zone that lists them.

        The caller holds the write lock.
        """
        raw_dir = self.settings.raw_dir
        found = removed_words(
            self.build_database,
            raw_dir,
            self._ingest.mapping,
            self.settings.profile,
            min_patients=min_patients,
        )
        return found, write_removed_words(found, raw_dir, self._ingest.raw_writer)

    def publish(self, dbt_manifest: Path) -> PublishReport:
        """Replace the published file; the caller holds the write lock.

        Parameters
        ----------
        dbt_manifest
            ``manifest.json`` of the dbt project, which has the descriptions of models.

        Raises
        ------
        PublishRefused
            The stage tables have changed since the leak check passed, or a check of the copy
            failed.
        """
        self._require_check("nothing was published")
        comments, info = self._documentation(dbt_manifest)
        published_rules = self._audit_dir / "published_rules.json"
        record_mapping_changes(self.audit_log, self._ingest.mapping, published_rules)
        with self.audit_log.record("publish") as counts:
            report = publish(self.build_database, self.settings.database, comments, info)
            counts |= report.rows
        return report

    def publish_snowflake(self, dbt_manifest: Path) -> PublishReport:
        """Replace the rows of the published schema on Snowflake; the caller holds the write lock.

        Raises
        ------
        PublishRefused
            A table does not have the rows of the checked table in the build database.
        """
        assert self.snowflake is not None
        comments, info = self._documentation(dbt_manifest)
        checked = {
            table.removeprefix("processed."): rows
            for table, rows in row_counts(self.build_database).items()
        }
        with self.audit_log.record("publish-snowflake") as counts:
            report = self.snowflake.publish(comments, info, checked)
            counts |= report.rows
        return report

    def _documentation(self, dbt_manifest: Path) -> tuple[Comments, RunInfo]:
        ingest = self._ingest
        manifest = json.loads(dbt_manifest.read_text())
        comments = describe(manifest, ingest.mapping, self.settings.profile)
        counts = count_outcomes(ingest.partitions)
        return comments, run_info(self.settings.profile, ingest.mapping_csv, counts)
