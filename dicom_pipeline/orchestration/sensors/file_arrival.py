"""The file sensor: scans the landing zone and requests one run over all pending partitions.

Belongs here: a tick, its time budget, and requests after failures.
Does not belong here: scanning (landing), deriving pending partitions (pending_partitions).
"""

import json
import math
import time

import dagster as dg

from dicom_pipeline.common.locks import LockUnavailable
from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.orchestration.checks.pipeline_checks import stuck_evaluation
from dicom_pipeline.orchestration.failures import user_errors_in_one_line
from dicom_pipeline.orchestration.instance import fail_dead_runs
from dicom_pipeline.orchestration.jobs import ALL_JOB, RAW_JOB, TRIGGER_TAG
from dicom_pipeline.orchestration.partition_range import range_tags, study_period
from dicom_pipeline.orchestration.pending_partitions import PENDING_TAG, Pending, find_pending
from dicom_pipeline.orchestration.storage.retention import delete_old_evaluations, delete_old_runs

BUDGET_SECONDS = 40.0  # Dagster ends a tick after 60 s
CLEANUP_SECONDS = 5.0
ATTEMPTS = 3
_cleaned_up_at = -math.inf
_WRITERS = (RAW_JOB, ALL_JOB)
_IN_PROGRESS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.sensor(
    name="file_arrival_sensor",
    job_name=RAW_JOB,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Scans the landing zone and requests one run for all new, changed and deleted "
    "files.",
)
def file_arrival_sensor(
    context: dg.SensorEvaluationContext,
    ingest: dg.ResourceParam[Ingest],
    write_session: dg.ResourceParam[WriteSession],
) -> dg.SensorResult | dg.SkipReason:
    """Scan once within the time budget, then request the range of pending partitions."""
    with user_errors_in_one_line():
        return _tick(context, ingest, write_session)


def _tick(
    context: dg.SensorEvaluationContext, ingest: Ingest, write_session: WriteSession
) -> dg.SensorResult | dg.SkipReason:
    began = time.monotonic()
    fail_dead_runs(context.instance)
    _delete_old(context.instance, ingest.settings.run_retention_days)
    for job in _WRITERS:
        active = dg.RunsFilter(job_name=job, statuses=_IN_PROGRESS)
        if context.instance.get_runs_count(active):
            return dg.SkipReason("a run is in progress; the first tick after it will scan")
    start = json.loads(context.cursor)["start"] if context.cursor else 0
    try:
        with write_session(prepare=True, wait=False):
            report = ingest.scan(start=start, budget=BUDGET_SECONDS + began - time.monotonic())
    except LockUnavailable:
        return dg.SkipReason("another process holds the write lock; the next tick will try again")
    context.log.info(
        f"{report.listed} files listed: {report.new} new, {report.changed} changed, "
        f"{report.deleted} deleted, {report.unsettled} possibly still being written, "
        f"{report.postponed} postponed to the next tick, {report.errors} errors"
    )
    pending = find_pending(ingest, context.instance)
    failed = _failures(context.instance, pending.digest) if pending.versions else []
    gave_up = len(failed) >= ATTEMPTS
    requests = [] if gave_up or not pending.versions else [_request(pending, failed)]
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else _skip_reason(pending, report.unsettled),
        dynamic_partitions_requests=_partition_requests(pending),
        asset_events=[stuck_evaluation(len(pending.versions), failed)] if gave_up else [],
        cursor=json.dumps({"start": report.next_start}),
    )


def _delete_old(instance: dg.DagsterInstance, days: float) -> None:
    """Delete old runs and evaluations; at most once per hour if there was nothing to delete.

    The query reads the whole event log.
    """
    global _cleaned_up_at
    if time.monotonic() - _cleaned_up_at <= min(3600, days * 86_400 / 10):
        return
    if not delete_old_runs(instance, days, seconds=CLEANUP_SECONDS):
        delete_old_evaluations(instance, days)
        _cleaned_up_at = time.monotonic()


def _skip_reason(pending: Pending, unsettled: int) -> str:
    if pending.versions:
        return (
            f"{len(pending.versions)} partitions are pending, and {ATTEMPTS} runs for them failed: "
            f"fix the errors of these runs, then launch {RAW_JOB}"
        )
    waiting = f"; {unsettled} files are possibly still being written" if unsettled else ""
    return f"all {len(pending.stored)} partitions are loaded{waiting}"


def _partition_requests(
    pending: Pending,
) -> list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest]:
    requests: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
    if pending.to_add:
        requests.append(study_period.build_add_request(pending.to_add))
    if pending.to_delete:
        requests.append(study_period.build_delete_request(pending.to_delete))
    return requests


def _request(pending: Pending, failed: list[str]) -> dg.RunRequest:
    return dg.RunRequest(
        # Dagster ignores a run key that it has seen; the id of the failed run makes the key new
        run_key=f"{pending.digest}-{failed[0] if failed else 'first'}",
        tags={
            **range_tags(pending.stored, pending.versions),
            PENDING_TAG: pending.digest,
            TRIGGER_TAG: "file_arrival",
            "dagster/max_retries": "0",  # this sensor requests the retries
            "dicom_pipeline/partitions": str(len(pending.versions)),
        },
    )


def _failures(instance: dg.DagsterInstance, digest: str) -> list[str]:
    """Return the ids of failed runs with this digest since the last success, newest first."""
    runs = instance.get_runs(
        dg.RunsFilter(job_name=RAW_JOB, tags={PENDING_TAG: digest}), limit=ATTEMPTS
    )
    failed = []
    for run in runs:
        if run.status is dg.DagsterRunStatus.SUCCESS:
            break
        failed.append(run.run_id)
    return failed
