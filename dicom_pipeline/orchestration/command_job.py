"""``materialize_all_assets_job`` in the process of a command.

Belongs here: running the job with the definitions and the instance that ``dagster dev`` also uses.
Does not belong here: the steps before and after the job (operations), options and tables (cli).
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout

import dagster as dg
from rich.console import Console
from rich.markup import escape

from dicom_pipeline.config.settings import Settings
from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.operations.alert_webhook import AlertNotSent
from dicom_pipeline.orchestration.alerts import announce
from dicom_pipeline.orchestration.dbt_project import sources_digest
from dicom_pipeline.orchestration.failures import error_lines
from dicom_pipeline.orchestration.instance import fail_dead_runs, open_instance
from dicom_pipeline.orchestration.jobs import ALL_JOB, TRIGGER_TAG
from dicom_pipeline.orchestration.partition_range import STUDY_PERIOD, range_tags
from dicom_pipeline.orchestration.pending_partitions import PENDING_TAG, Pending, find_pending
from dicom_pipeline.orchestration.problems import Problem, command_problem, find_problems
from dicom_pipeline.orchestration.storage.retention import delete_old_runs
from dicom_pipeline.warehouse.snowflake.session import dbt_error_lines

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class CommandJob:
    """The job, its definitions and the instance; implements `operations.build_job.BuildJob`."""

    def __init__(
        self,
        settings: Settings,
        ingest: Ingest,
        console: Console,
        defs: dg.Definitions,
        instance: dg.DagsterInstance,
    ) -> None:
        self._settings = settings
        self._ingest = ingest
        self._console = console
        self._defs = defs
        self._instance = instance
        self._found: Pending | None = None

    @property
    def sources_digest(self) -> str:
        """Digest of the dbt project and of the environment variables it depends on."""
        return sources_digest()

    @property
    def _pending(self) -> Pending:
        if self._found is None:
            self._found = find_pending(self._ingest, self._instance)
        return self._found

    def pending_partitions(self) -> Sequence[str]:
        """Return the partitions that a run would load."""
        return list(self._pending.versions)

    def nothing_pending(self) -> bool:
        """Return whether Dagster has recorded every partition in its stored version."""
        pending = self._pending
        return not (pending.versions or pending.to_add or pending.to_delete)

    def delete_old_runs(self) -> None:
        """Delete runs older than `Settings.run_retention_days`."""
        delete_old_runs(self._instance, self._settings.run_retention_days)

    @contextmanager
    def alerts(self) -> Iterator[None]:
        """Report problems to the webhook at the end of the block, with the block's own error."""
        webhook = self._settings.alert_webhook
        if webhook is None:
            yield
            return
        try:
            yield
        except Exception as error:
            self._announce(webhook, [command_problem(error)])
            raise
        self._announce(webhook, [])

    def _announce(self, webhook: str, problems: list[Problem]) -> None:
        checks = self._defs.resolve_asset_graph().asset_check_keys
        problems += find_problems(self._instance, self._ingest, checks)
        try:
            announce(self._instance, webhook, problems)
        except AlertNotSent as error:
            self._console.print(f"[yellow]{error}[/yellow]")

    def run(self, *, force: bool = False, debug: bool = False) -> bool:
        """Load, build, check and publish without a scan; return whether it succeeded.

        A run without pending partitions still builds, checks and publishes.

        Parameters
        ----------
        force
            Read every file of every partition again.
        debug
            Raise errors of steps, and print Dagster's log.
        """
        pending = self._pending
        if pending.to_add:
            self._instance.add_dynamic_partitions(STUDY_PERIOD, pending.to_add)
        success = self._execute(pending, force=force, debug=debug)
        self._found = None
        for key in self._pending.to_delete:
            self._instance.delete_dynamic_partition(STUDY_PERIOD, key)
        return success

    def _execute(self, pending: Pending, *, force: bool, debug: bool) -> bool:
        wanted = set(pending.stored) if force else set(pending.versions)
        wanted = wanted or set(pending.stored[-1:])
        tags = {"dagster/max_retries": "0", PENDING_TAG: pending.digest, TRIGGER_TAG: "command"}
        job = self._defs.resolve_job_def(ALL_JOB)
        keys = job.asset_layer.executable_asset_keys
        raw = [key for key in keys if key.path[0] == "raw"]
        others = [key for key in keys if key.path[0] != "raw"]
        config: dict[str, object] = {} if debug else dict(_QUIET)
        if wanted:
            tags |= range_tags(pending.stored, wanted)
            config["ops"] = {"raw_tables": {"config": {"force": force}}}
        output = io.StringIO()  # dbt's output; the web UI shows it on the page of the run too
        console = self._console
        status = f"{ALL_JOB}: {len(pending.versions)} partitions are pending"
        with console.status(status), redirect_stdout(output):
            result = job.execute_in_process(
                instance=self._instance,
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
                console.print("see the run in `dagster dev`, or run again with --debug for details")
        return result.success


@contextmanager
def open_command_job(
    settings: Settings, ingest: Ingest, console: Console, defs: dg.Definitions
) -> Iterator[CommandJob]:
    """Open the instance, and mark runs as failed whose process has died.

    Raises
    ------
    SettingsError
        ``dagster.yaml`` cannot be used.
    StorageUnavailable
        Dagster's database cannot be reached.
    """
    with open_instance(settings) as instance:
        fail_dead_runs(instance)
        yield CommandJob(settings, ingest, console, defs, instance)


def _files_read(result: dg.ExecuteInProcessResult) -> int:
    counts = [
        event.materialization.metadata["files_read_in_run"].value
        for event in result.get_asset_materialization_events()
        if "files_read_in_run" in event.materialization.metadata
    ]
    return max((count for count in counts if isinstance(count, int)), default=0)
