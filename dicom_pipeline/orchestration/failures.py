"""Failed runs: job, steps, checks, and the messages of user errors, which contain no patient data.

Belongs here: reading failures from Dagster's events, and which failures are not superseded.
Does not belong here: reporting them (sensors.failure_alert, command_job, operations.status).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import dagster as dg

from dicom_pipeline.common.errors import UserError
from dicom_pipeline.operations.status import FailedRun
from dicom_pipeline.orchestration.jobs import ALL_JOB, TRIGGER_TAG
from dicom_pipeline.orchestration.one_line_error import OneLineError

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
_LATEST = 200
_USER_ERROR = "user_error"
_RETRY_TAG = "dagster/retry_on_asset_or_op_failure"
_Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext


def failed_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> FailedRun:
    """Return the details of a failed run that contain no patient data."""
    stats = instance.get_run_stats(run.run_id)
    ended = getattr(stats, "end_time", None)
    failures = list(_events(instance, run.run_id, dg.DagsterEventType.STEP_FAILURE))
    checks = _events(instance, run.run_id, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    found = [event.asset_check_evaluation_data for event in checks]
    failed = {
        f"{check.asset_key.to_user_string()}: {check.check_name}"
        for check in found
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    }
    return FailedRun(
        run.run_id,
        "the automatic run" if run.job_name.startswith("__") else run.job_name,
        run.tags.get(TRIGGER_TAG, "hand"),
        datetime.fromtimestamp(ended, UTC).isoformat(timespec="seconds") if ended else "",
        tuple(sorted({e.step_key.replace("__", "/") for e in failures if e.step_key})),
        tuple(sorted(failed)),
        tuple(error_lines(failures)),
    )


@contextmanager
def user_errors_as_failures(context: _Context) -> Iterator[None]:
    """Raise a `UserError` as `OneLineError`, whose event keeps the message for other processes.

    Dagster does not retry the run if only a person can fix the error, such as one of the mapping.

    Raises
    ------
    OneLineError
        With the message of the error and metadata ``user_error``.
    """
    try:
        yield
    except UserError as error:
        if not error.is_retryable:
            context.instance.add_run_tags(context.run.run_id, {_RETRY_TAG: "false"})
        raise OneLineError(str(error), {_USER_ERROR: True}) from None


@contextmanager
def user_errors_in_one_line() -> Iterator[None]:
    """Raise a `UserError` outside of runs as `OneLineError`: in a tick, or loading definitions.

    Raises
    ------
    OneLineError
        With the message of the error.
    """
    try:
        yield
    except UserError as error:
        raise OneLineError(str(error)) from None


def error_lines(events: Iterable[dg.DagsterEvent]) -> list[str]:
    """Return the messages of the user errors among step failures; other errors may quote values."""
    found = {}
    for event in events:
        failure = event.step_failure_data.user_failure_data if event.is_step_failure else None
        if failure is not None and _USER_ERROR in failure.metadata and failure.description:
            found[failure.description] = True
    return list(found)


def open_failures(instance: dg.DagsterInstance) -> list[FailedRun]:
    """Return the latest failed run of each job, unless a later run has superseded it.

    A successful `ALL_JOB` run supersedes earlier failures of all jobs, and another one those of its
    job. Automatic runs share one job, whatever they build: one of them must also have built what
    the failed run did not. The latest run comes first.
    """
    succeeded: set[str] = set()
    found: dict[str, FailedRun] = {}
    for record in instance.get_run_records(dg.RunsFilter(statuses=_ENDED), limit=_LATEST):
        run = record.dagster_run
        if run.status is dg.DagsterRunStatus.SUCCESS:
            succeeded.add(run.job_name)
            if run.job_name == ALL_JOB:
                break
        elif run.job_name not in found and (
            run.job_name not in succeeded
            or (run.job_name.startswith("__") and not _is_built(instance, record))
        ):
            found[run.job_name] = failed_run(instance, run)
    return list(found.values())


def _is_built(instance: dg.DagsterInstance, record: dg.RunRecord) -> bool:
    """Return whether all assets of a failed run were built in it or later.

    Of a run of checks only: whether all of them were evaluated later.
    """
    run = record.dagster_run
    if not run.asset_selection:
        storage = instance.event_log_storage
        checks = list(run.asset_check_selection or ())
        latest = storage.get_latest_asset_check_execution_by_key(checks)
        return all(execution.run_id != run.run_id for execution in latest.values())
    began = record.create_timestamp.timestamp()
    assets = instance.get_asset_records(list(run.asset_selection))
    events = [found.asset_entry.last_materialization_record for found in assets]
    built = [event for event in events if event is not None and event.timestamp >= began]
    return len(built) == len(run.asset_selection)


def _events(
    instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType
) -> Iterator[dg.DagsterEvent]:
    for record in instance.get_records_for_run(run_id, of_type=kind).records:
        if (event := record.event_log_entry.dagster_event) is not None:
            yield event
