"""The file sensor: scans the landing zone and asks for one run over all that is pending.

Belongs here: a tick, its budget, and what is asked for after failures.
Does not belong here: scanning (landing) and deriving what is pending (pending).
"""

import json
import math
import time

import dagster as dg

from dicom_pipeline.common.errors import StorageUnavailable, WriteConflict
from dicom_pipeline.common.locks import LockUnavailable
from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.landing.scan import ScanRefused
from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.orchestration.checks.pipeline_checks import stuck
from dicom_pipeline.orchestration.instance import fail_dead_runs
from dicom_pipeline.orchestration.jobs import ALL_JOB, RAW_JOB, TRIGGER_TAG
from dicom_pipeline.orchestration.partitions import range_tags, study_period
from dicom_pipeline.orchestration.pending import PENDING_TAG, Pending, find_pending
from dicom_pipeline.orchestration.storage.retention import delete_old_evaluations, delete_old_runs

BUDGET_SECONDS = 40.0  # Dagster ends a tick after 60 s
TIDY_SECONDS = 5.0
ATTEMPTS = 3
_tidied_at = -math.inf
_WRITERS = (RAW_JOB, ALL_JOB)
_UNDER_WAY = [
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
    description="Watches the landing zone; one run for all new, changed and deleted files.",
)
def file_arrival_sensor(
    context: dg.SensorEvaluationContext,
    ingest: dg.ResourceParam[Ingest],
    write_session: dg.ResourceParam[WriteSession],
) -> dg.SensorResult | dg.SkipReason:
    """Scan once within the budget, then request the range of pending partitions."""
    began = time.monotonic()
    fail_dead_runs(context.instance)
    _tidy_up(context.instance, ingest.settings.run_retention_days)
    for job in _WRITERS:
        active = dg.RunsFilter(job_name=job, statuses=_UNDER_WAY)
        if context.instance.get_runs_count(active):
            return dg.SkipReason("a run is under way; the next tick after it will look again")
    start = json.loads(context.cursor)["start"] if context.cursor else 0
    try:
        with write_session(prepare=True, wait=False):
            report = ingest.scan(start=start, budget=BUDGET_SECONDS + began - time.monotonic())
    except LockUnavailable:
        return dg.SkipReason("another process writes; the next tick will look again")
    except (ScanRefused, StorageUnavailable, WriteConflict) as refused:
        raise dg.Failure(str(refused)) from None
    context.log.info(
        f"{report.listed} files listed: {report.new} new, {report.changed} changed, "
        f"{report.deleted} gone, {report.unsettled} not settled, {report.postponed} left for the "
        f"next tick, {report.errors} errors"
    )
    pending = find_pending(ingest, context.instance)
    failed = _failures(context.instance, pending.digest) if pending.versions else []
    gave_up = len(failed) >= ATTEMPTS
    requests = [] if gave_up or not pending.versions else [_request(pending, failed)]
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else _nothing_to_ask(pending, report.unsettled),
        dynamic_partitions_requests=_partition_requests(pending),
        asset_events=[stuck(len(pending.versions), failed)] if gave_up else [],
        cursor=json.dumps({"start": report.next_start}),
    )


def _tidy_up(instance: dg.DagsterInstance, days: float) -> None:
    """Forget old runs; once an hour while there are none, since that is asked of the whole log."""
    global _tidied_at
    if time.monotonic() - _tidied_at <= min(3600, days * 86_400 / 10):
        return
    if not delete_old_runs(instance, days, seconds=TIDY_SECONDS):
        delete_old_evaluations(instance, days)
        _tidied_at = time.monotonic()


def _nothing_to_ask(pending: Pending, unsettled: int) -> str:
    if pending.versions:
        return (
            f"{len(pending.versions)} partitions are pending, and {ATTEMPTS} runs for them failed: "
            f"mend what the runs say, then launch {RAW_JOB}"
        )
    waiting = f"; {unsettled} files have not settled yet" if unsettled else ""
    return f"all of the {len(pending.stored)} partitions are loaded{waiting}"


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
        # a request that failed is made again: the failed run's id makes it another one
        run_key=f"{pending.digest}-{failed[0] if failed else 'first'}",
        tags={
            **range_tags(pending.stored, pending.versions),
            PENDING_TAG: pending.digest,
            TRIGGER_TAG: "file_arrival",
            "dagster/max_retries": "0",  # this sensor asks again itself
            "dicom_pipeline/partitions": str(len(pending.versions)),
        },
    )


def _failures(instance: dg.DagsterInstance, digest: str) -> list[str]:
    """Ids of the runs for just this that failed since one succeeded, the newest first."""
    runs = instance.get_runs(
        dg.RunsFilter(job_name=RAW_JOB, tags={PENDING_TAG: digest}), limit=ATTEMPTS
    )
    failed = []
    for run in runs:
        if run.status is dg.DagsterRunStatus.SUCCESS:
            break
        failed.append(run.run_id)
    return failed
