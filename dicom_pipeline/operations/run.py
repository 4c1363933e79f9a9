"""A run from the command line: scan, load, build, publish.

Belongs here: the order of these steps, and detecting that there is nothing to do.
Does not belong here: options and output (cli), the job (orchestration.command_job), the steps
themselves.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from rich.console import Console

from dicom_pipeline.extract.partition import READ_BY_OTHER_VERSION
from dicom_pipeline.extract.reconciliation import FileCounts
from dicom_pipeline.landing.sample import put_sample
from dicom_pipeline.landing.scan import NOT_LISTED, ScanRefused
from dicom_pipeline.operations import up_to_date
from dicom_pipeline.operations.build_job import OpenJob
from dicom_pipeline.operations.progress_bar import progress_bar
from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.warehouse.build_fingerprint import BUILD_OUTDATED, build_outdated
from dicom_pipeline.workspace import Workspace


@dataclass(frozen=True)
class RunResult:
    """Result of a run.

    Attributes
    ----------
    success
        Whether the job succeeded, or had nothing to do.
    counts
        Outcomes of the files of the landing zone.
    unchanged_since
        Time at which the last run ended, if nothing has changed since then; else None.
    """

    success: bool
    counts: FileCounts
    unchanged_since: str | None


def run(
    workspace: Workspace,
    console: Console,
    open_job: OpenJob,
    *,
    sample: bool,
    force: bool,
    debug: bool,
) -> RunResult:
    """Scan the landing zone, then load, build and publish what changed.

    Parameters
    ----------
    workspace
        The services.
    console
        Terminal for messages.
    open_job
        Opens the job that loads, builds and publishes.
    sample
        Copy the sample files of pydicom into the project's own landing zone if it is empty.
    force
        Read every file again.
    debug
        Raise errors of steps, and print Dagster's log.
    """
    settings, ingest, warehouse = workspace.settings, workspace.ingest, workspace.warehouse
    if settings.uses_default_landing:
        settings.landing_dir.mkdir(parents=True, exist_ok=True)
        if sample and (copied := put_sample(settings.landing_dir)):
            console.print(f"the landing zone was empty: copied {copied} sample files of pydicom")
    with open_job() as job, job.alerts():
        scan(workspace, console)
        last_run = None
        if not force and job.nothing_pending():
            last_run = up_to_date.find_last_run(workspace, job.sources_digest)
        pending = job.pending_partitions()
        if outdated := ingest.partitions.read_by_other_version(pending):
            console.print(f"{len(outdated)} {READ_BY_OTHER_VERSION}")
        if build_outdated(warehouse.build_database, job.sources_digest):
            console.print(BUILD_OUTDATED)
        if last_run is not None:
            console.print("0 files read")
            console.print(f"nothing has changed since the run that ended at {last_run.ended_at}")
            return RunResult(True, last_run.counts, last_run.ended_at)
        ingest.latest_counts = None
        success = job.run(force=force, debug=debug)
        counts = ingest.latest_counts or ingest.reconcile(listed=False)
        if success:
            with WriteSession(workspace)():
                up_to_date.record_last_run(workspace, job.sources_digest, counts)
        job.delete_old_runs()
    return RunResult(success, counts, None)


def scan(workspace: Workspace, console: Console) -> None:
    """Scan, and scan again after a pause if files were younger than the minimum age.

    Raises
    ------
    ScanRefused
        The landing zone cannot be listed, or too many files are missing.
    """
    ingest = workspace.ingest
    if not ingest.storage.exists():
        raise ScanRefused(NOT_LISTED)  # report it before waiting for the lock
    session = WriteSession(workspace)
    with session(prepare=True, waiting=console.print), progress_bar(console) as progress:
        report = ingest.scan(progress=progress)
        if report.unsettled:
            with console.status(
                f"{report.unsettled} files may still be being written: waiting for "
                "DICOM_MIN_FILE_AGE_SECONDS"
            ):
                time.sleep(workspace.settings.min_file_age_seconds + 0.1)
            report = ingest.scan(progress=progress)
    if report.errors:
        console.print(f"[yellow]{report.errors} folders or files could not be listed[/yellow]")
