"""What is wrong now: failed runs and checks, failing and stopped sensors, a stale landing zone.

Belongs here: finding problems in Dagster's events and in the manifests, and their texts.
Does not belong here: which problems were announced (alerts), sending (operations.alert_webhook).

A text contains no identifier: no value, file name or path, and the messages of user errors only,
because the message of a library may quote a file.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorState, InstigatorTick, TickStatus
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._daemon.daemon import SensorDaemon

from dicom_pipeline.common.errors import UserError
from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.landing.manifest import now
from dicom_pipeline.operations.status import FailedRun
from dicom_pipeline.orchestration.failures import failed_run, open_failures
from dicom_pipeline.orchestration.jobs import ALL_JOB, RAW_JOB
from dicom_pipeline.orchestration.one_line_error import one_line_of

FILE_SENSOR = "file_arrival_sensor"
AUTOMATION_SENSOR = "automation_sensor"
ALERT_SENSOR = "failure_alert_sensor"
WATCHED = (FILE_SENSOR, AUTOMATION_SENSOR)
COMMAND = "command"
# a warning, because it does not concern the tables
_ALSO_WARNINGS = ("landing_zone_was_scanned_lately",)
# one failed tick is repeated a few seconds later, for example while the code is reloaded
_FAILED_TICKS = 2
_RECENT_SECONDS = 3600.0
_EVALUATED = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}
_NEXT = {
    RAW_JOB: "Open the run in the web UI; its last error shows what to fix.",
    ALL_JOB: "Open the run in the web UI, or run `dicom-pipeline run` again.",
}
_NEXT_OTHERWISE = "Open the run in the web UI. The previous published file is unchanged."


@dataclass(frozen=True)
class Problem:
    """Something that a person has to look at.

    Attributes
    ----------
    key
        What is wrong, for example a sensor; a key has one problem at a time.
    title
        One clause without a full stop. Another title of the same key is another problem.
    details
        Lines about the cause and what to do.
    run_id
        Id of the failed run; empty for other problems.
    """

    key: str
    title: str
    details: tuple[str, ...] = ()
    run_id: str = ""


def find_problems(
    instance: dg.DagsterInstance, ingest: Ingest, checks: Collection[dg.AssetCheckKey]
) -> list[Problem]:
    """Return all problems.

    Parameters
    ----------
    instance
        Dagster's instance.
    ingest
        Manifests of the landing zone.
    checks
        Checks whose failure is a problem.
    """
    failed = open_failures(instance)
    return [
        *map(run_problem, failed),
        *stopped_sensors(instance),
        *failing_sensors(instance),
        *_check_problems(instance, checks, {run.run_id for run in failed}),
        *landing_problems(ingest),
    ]


def run_problem(failed: FailedRun) -> Problem:
    """Return the problem of a failed run; a later failure of its job replaces it."""
    where = f" in {', '.join(failed.steps)}" if failed.steps else ""
    return Problem(
        f"run {failed.job}",
        f"{failed.job} failed{where} (run {failed.run_id[:8]}, started by {failed.trigger})",
        (
            *([f"Failed checks: {'; '.join(failed.checks)}."] if failed.checks else []),
            *failed.lines,
            _NEXT.get(failed.job, _NEXT_OTHERWISE),
        ),
        failed.run_id,
    )


def command_problem(error: Exception) -> Problem:
    """Return the problem of `dicom-pipeline run` that ended with an error instead of a run.

    Only the class of an unexpected error is reported.
    """
    details = (str(error),) if isinstance(error, UserError) else ()
    return Problem(COMMAND, f"`dicom-pipeline run` failed with {type(error).__name__}", details)


def failed_since(
    instance: dg.DagsterInstance, moment: float, *, known: Collection[str], limit: int
) -> list[Problem]:
    """Return the latest failed runs that ended after a time, superseded or not, oldest first.

    Parameters
    ----------
    moment
        Seconds since 1970.
    known
        Ids of runs that are left out.
    limit
        Maximum number of runs, with those that are left out.
    """
    after = datetime.fromtimestamp(moment, UTC)
    runs = instance.get_runs(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=after), limit=limit
    )
    new = [run for run in reversed(runs) if run.run_id not in known]
    return [run_problem(failed_run(instance, run)) for run in new]


def stopped_sensors(instance: dg.DagsterInstance) -> list[Problem]:
    """Return the sensors that somebody has stopped; one that was never on is not missed."""
    states = sensor_states(instance)
    return [
        Problem(_key(name), f"{name} is stopped", ("Switch it on under Automation in the web UI.",))
        for name in WATCHED
        if name in states and not states[name].is_running and _started(states[name])
    ]


def failing_sensors(instance: dg.DagsterInstance) -> list[Problem]:
    """Return the sensors whose latest ticks failed."""
    states = sensor_states(instance)
    found = []
    for name in WATCHED:
        ticks = _latest_ticks(instance, states[name]) if name in states else []
        if len(ticks) == _FAILED_TICKS and all(one.status is TickStatus.FAILURE for one in ticks):
            line = one_line_of(ticks[0].error)
            to_do = "Its ticks under Automation in the web UI show the error."
            details = (*([line] if line else []), to_do)
            found.append(Problem(_key(name), f"{name} fails at each tick", details))
    return found


def _key(sensor: str) -> str:
    return f"sensor {sensor}"


def _latest_ticks(instance: dg.DagsterInstance, state: InstigatorState) -> Sequence[InstigatorTick]:
    if not state.is_running:
        return []
    return instance.get_ticks(
        state.instigator_origin_id,
        state.selector_id,
        after=time.time() - _RECENT_SECONDS,
        limit=_FAILED_TICKS,
        statuses=[TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE],
    )


def sensor_states(instance: dg.DagsterInstance) -> dict[str, InstigatorState]:
    """Return the state of each sensor that was ever switched on or off.

    There may be one of each code location that the sensor was ever loaded from: a running one
    counts, or else the one that ran last.
    """
    states = instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    return {
        state.instigator_name: state
        for state in sorted(states, key=lambda one: (one.is_running, _started(one)))
    }


def alerts_state(instance: dg.DagsterInstance, *, has_webhook: bool) -> str:
    """Return whether alerts are sent, and if not, why."""
    if not has_webhook:
        return "off: DICOM_ALERT_WEBHOOK is not set"
    state = sensor_states(instance).get(ALERT_SENSOR)
    if state is not None and not state.is_running:
        return f"off: {ALERT_SENSOR} is stopped; switch it on under Automation in the web UI"
    daemon = SensorDaemon.daemon_type()
    if not instance.get_daemon_statuses([daemon])[daemon].healthy:
        return "only by `dicom-pipeline run`: the daemon of Dagster is not running"
    return "on"


def _started(state: InstigatorState) -> float:
    data = state.sensor_instigator_data
    return (data.last_tick_timestamp or data.last_sensor_start_timestamp or 0.0) if data else 0.0


def _check_problems(
    instance: dg.DagsterInstance, checks: Collection[dg.AssetCheckKey], reported: Collection[str]
) -> Iterator[Problem]:
    """Yield failed checks, except warnings and those that a failed run reports."""
    storage = instance.event_log_storage
    latest = storage.get_latest_asset_check_execution_by_key(list(checks))
    for key, found in sorted(latest.items(), key=lambda item: str(item[0])):
        execution = found
        if execution.status is AssetCheckExecutionRecordStatus.PLANNED:
            # its run is in progress or was interrupted: the result before it still counts
            ended = storage.get_asset_check_execution_history(key, 1, status=_EVALUATED)
            if not ended:
                continue
            [execution] = ended
        evaluation = execution.evaluation
        if (
            evaluation is not None
            and execution.status is AssetCheckExecutionRecordStatus.FAILED
            and execution.run_id not in reported
            and (evaluation.severity is dg.AssetCheckSeverity.ERROR or key.name in _ALSO_WARNINGS)
        ):
            name = f"{key.asset_key.to_user_string()}: {key.name}"
            to_do = "The check shows what to do, in the web UI under Checks of the asset."
            yield Problem(f"check {name}", f"check {name} failed", (to_do,))


def landing_problems(ingest: Ingest) -> list[Problem]:
    """Return the problem of a landing zone that gets no new files, if that is limited."""
    limit = ingest.settings.landing_freshness_hours
    if not limit or not _is_stale(ingest, limit):
        return []
    with suppress(UserError):  # another machine may have written to a raw zone in a bucket
        ingest.pull()
    if not _is_stale(ingest, limit):
        return []
    title = f"the landing zone has had no new file for more than {limit:g} hours"
    to_do = "Check what sends the files; DICOM_LANDING_FRESHNESS_HOURS sets the limit."
    return [Problem("landing zone", title, (to_do,))]


def _is_stale(ingest: Ingest, hours: float) -> bool:
    newest = ingest.manifests.newest_file()
    return newest is not None and now() - newest > timedelta(hours=hours)
