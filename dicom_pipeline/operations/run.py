"""A headless run: ``materialize_all_assets_job`` in this process, with a summary at its end.

Belongs here: the order of a headless run, on the same definitions and instance as the web UI, and
the job as other commands run it.
Does not belong here: options (cli), layout of the terminal (report), the steps themselves.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass

import dagster as dg
from rich.console import Console
from rich.markup import escape

from dicom_pipeline.cli.tables import print_file_counts, print_queries, print_tables, progress_bar
from dicom_pipeline.config.settings import OnDelete
from dicom_pipeline.definitions import build_defs
from dicom_pipeline.extract.reconciliation import FileCounts
from dicom_pipeline.landing.sample import put_sample
from dicom_pipeline.landing.scan import NOT_LISTED, ScanRefused
from dicom_pipeline.operations import up_to_date as standing
from dicom_pipeline.operations.up_to_date import Standing
from dicom_pipeline.orchestration.assets.dbt import BUILD_OUTDATED, sources_digest
from dicom_pipeline.orchestration.assets.raw import READ_BY_OTHER_VERSION
from dicom_pipeline.orchestration.failures import error_lines
from dicom_pipeline.orchestration.instance import fail_dead_runs, open_instance
from dicom_pipeline.orchestration.jobs import ALL_JOB, TRIGGER_TAG
from dicom_pipeline.orchestration.partitions import STUDY_PERIOD, range_tags
from dicom_pipeline.orchestration.pending import PENDING_TAG, Pending, find_pending
from dicom_pipeline.orchestration.storage.retention import delete_old_runs
from dicom_pipeline.warehouse.build_fingerprint import build_outdated
from dicom_pipeline.warehouse.snowflake.session import dbt_error_lines
from dicom_pipeline.workspace import Pipeline

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Job:
    """``materialize_all_assets_job`` with its definitions and instance, ready to run."""

    pipeline: Pipeline
    console: Console
    defs: dg.Definitions
    instance: dg.DagsterInstance

    def pending(self) -> Pending:
        """What is to be done, as it is now."""
        return find_pending(self.pipeline, self.instance)

    def standing(self, pending: Pending) -> Standing | None:
        """The last run, if everything stands as it left it, and Dagster knows all of it."""
        if pending.versions or pending.to_add or pending.to_delete:
            return None
        return standing.find(self.pipeline, sources_digest())

    def note_standing(self, counts: FileCounts) -> None:
        """Note that nothing is left to do, for the next run."""
        with self.pipeline.lock():
            standing.note(self.pipeline, sources_digest(), counts)

    def run(
        self, pending: Pending | None = None, *, force: bool = False, debug: bool = False
    ) -> bool:
        """Build and publish what is pending, without a scan. Returns whether it succeeded."""
        pending = pending or self.pending()
        if pending.to_add:
            self.instance.add_dynamic_partitions(STUDY_PERIOD, pending.to_add)
        success = _execute(
            self.defs, self.instance, pending, self.console, force=force, debug=debug
        )
        for key in self.pending().to_delete:
            self.instance.delete_dynamic_partition(STUDY_PERIOD, key)
        return success


@contextmanager
def open_job(pipeline: Pipeline, console: Console) -> Iterator[Job]:
    """Load the definitions and open the instance."""
    with console.status("loading the definitions"):
        defs = build_defs(pipeline)
        instance = open_instance(pipeline.settings)
    with instance:
        fail_dead_runs(instance)
        yield Job(pipeline, console, defs, instance)


def run_everything(
    pipeline: Pipeline, console: Console, *, sample: bool, force: bool, debug: bool
) -> bool:
    """Scan, load, build, publish, and say what came of it.

    Returns
    -------
    bool
        Whether the run succeeded and every file is accounted for.
    """
    began = time.monotonic()
    settings = pipeline.settings
    if settings.uses_default_landing:
        settings.landing_dir.mkdir(parents=True, exist_ok=True)
        if sample and (copied := put_sample(settings.landing_dir)):
            console.print(f"the landing zone was empty: {copied} sample files of pydicom put there")
    success = True
    with open_job(pipeline, console) as job:
        scan(pipeline, console)
        pending = job.pending()
        stands = None if force else job.standing(pending)
        if otherwise := pipeline.partitions.read_by_other_version(pending.versions):
            console.print(f"{len(otherwise)} {READ_BY_OTHER_VERSION}")
        if build_outdated(pipeline.build_database, sources_digest()):
            console.print(BUILD_OUTDATED)
        if stands is None:
            pipeline.latest_counts = None
            success = job.run(pending, force=force, debug=debug)
            counts = pipeline.latest_counts or pipeline.reconcile(listed=False)
            if success:
                job.note_standing(counts)
            delete_old_runs(job.instance, settings.run_retention_days)
        else:
            counts = stands.counts
            console.print("0 files read")
            console.print(f"nothing has changed since the run that ended at {stands.ended_at}")
    console.print()
    print_file_counts(console, counts, keeps=settings.on_delete is OnDelete.KEEP)
    if not success:
        return False
    console.print()
    if not counts.discovered:
        console.print(f"[yellow]there are no files in {settings.landing}[/yellow]")
    print_tables(console, settings.database, loaded=counts.loaded, profile=settings.profile)
    if stands is None:
        print_queries(console)
    console.print(f"\ndone in {time.monotonic() - began:.0f} s")
    return counts.balanced


def scan(pipeline: Pipeline, console: Console) -> None:
    """Scan, and once more when files were too young, after they had the time to settle."""
    if not pipeline.storage.is_there():
        raise ScanRefused(NOT_LISTED)  # rather than wait for another run first
    with pipeline.lock(waiting=console.print), progress_bar(console) as progress:
        pipeline.prepare()
        report = pipeline.scan(progress=progress)
        if report.unsettled:
            with console.status(f"{report.unsettled} files are new: waiting for them to settle"):
                time.sleep(pipeline.settings.min_file_age_seconds + 0.1)
            report = pipeline.scan(progress=progress)
    if report.errors:
        console.print(f"[yellow]{report.errors} folders or files could not be listed[/yellow]")


def _execute(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    pending: Pending,
    console: Console,
    *,
    force: bool,
    debug: bool,
) -> bool:
    """Run the job in this process; a run without anything pending still checks and publishes."""
    wanted = set(pending.stored) if force else set(pending.versions)
    wanted = wanted or set(pending.stored[-1:])
    tags = {"dagster/max_retries": "0", PENDING_TAG: pending.digest, TRIGGER_TAG: "command"}
    job = defs.resolve_job_def(ALL_JOB)
    raw = [key for key in job.asset_layer.executable_asset_keys if key.path[0] == "raw"]
    others = [key for key in job.asset_layer.executable_asset_keys if key.path[0] != "raw"]
    config: dict[str, object] = {} if debug else dict(_QUIET)
    if wanted:
        tags |= range_tags(pending.stored, wanted)
        config["ops"] = {"raw_tables": {"config": {"force": force}}}
    output = io.StringIO()  # dbt's own lines; the run's page in the web UI has them too
    with console.status("materialize_all_assets_job") as running:
        running.update(f"{ALL_JOB}: {len(pending.versions)} partitions are pending")
        with redirect_stdout(output):
            result = job.execute_in_process(
                instance=instance,
                tags=tags,
                run_config=config,
                asset_selection=[*others, *raw] if wanted else others,
                raise_on_error=debug,
            )
    console.print(f"{_files_read(result)} files read")
    if not result.success:
        failed = [event.step_key for event in result.all_events if event.is_step_failure]
        console.print(f"[red]failed:[/red] {', '.join(map(str, failed))}; run {result.run_id}")
        lines = error_lines(result.all_events) or dbt_error_lines(output.getvalue())
        for line in lines:
            console.print(f"[red]error:[/red] {escape(line)}")
        if not lines:
            console.print("`dagster dev` shows why; again with --debug prints it here")
    return result.success


def _files_read(result: dg.ExecuteInProcessResult) -> int:
    counts = [
        event.materialization.metadata["files_read_in_run"].value
        for event in result.get_asset_materialization_events()
        if "files_read_in_run" in event.materialization.metadata
    ]
    return max((count for count in counts if isinstance(count, int)), default=0)
