"""The sensor that tells people of failed runs, where they asked for it (``DICOM_ALERT_WEBHOOK``).

Belongs here: which runs are told of, and in what words: job, steps, checks, counts and run ids.
Does not belong here: sending (alerts). Errors of steps are left out: what a library says of a file
may quote it.
"""

from collections.abc import Sequence

import dagster as dg

from dicom_pipeline.alerts import AlertNotSent, send
from dicom_pipeline.orchestration.jobs import ALL_JOB, RAW_JOB, TRIGGER_TAG
from dicom_pipeline.settings import Settings

NAME = "failure_alert_sensor"
_NEXT = {
    RAW_JOB: "Open the run in the web UI; its last error says in one line what to mend.",
    ALL_JOB: "Open the run in the web UI, or run `dicom-pipeline run` again.",
}
_NEXT_OTHERWISE = "Open the run in the web UI. What was published before is still there."


def build_alert_sensor(settings: Settings) -> dg.SensorDefinition:
    """The sensor; it is on by default where there is a webhook."""
    webhook = settings.alert_webhook

    @dg.run_failure_sensor(
        name=NAME,
        monitor_all_code_locations=True,  # headless runs belong to none
        minimum_interval_seconds=15,
        default_status=(
            dg.DefaultSensorStatus.RUNNING if webhook else dg.DefaultSensorStatus.STOPPED
        ),
        description="Tells the webhook of DICOM_ALERT_WEBHOOK of each run that failed. Without "
        "that variable it does nothing.",
    )
    def failure_alert_sensor(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        if webhook is None:
            return dg.SkipReason("DICOM_ALERT_WEBHOOK is not set")
        try:
            send(webhook, message(context))
        except AlertNotSent as problem:
            # raised, it would be tried at every tick, and hold back those of other runs
            context.log.error(str(problem))
        return None

    return failure_alert_sensor


def message(context: dg.RunFailureSensorContext) -> str:
    """What is told of a failed run."""
    run = context.dagster_run
    steps = sorted(
        {event.step_key for event in context.get_step_failure_events() if event.step_key}
    )
    name = "the automatic run" if run.job_name.startswith("__") else run.job_name
    lines = [
        f"dicom_pipeline: {name} failed"
        + (f" in {', '.join(map(_plain, steps))}" if steps else "")
        + f" (run {run.run_id[:8]}, started by {run.tags.get(TRIGGER_TAG, 'hand')}).",
        *_failed_checks(context.instance, run.run_id),
        _NEXT.get(run.job_name, _NEXT_OTHERWISE),
    ]
    return "\n".join(lines)


def _failed_checks(instance: dg.DagsterInstance, run_id: str) -> Sequence[str]:
    records = instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    failed = sorted(
        f"{found.asset_key.to_user_string()}: {found.check_name}"
        for record in records
        if (event := record.event_log_entry.dagster_event) is not None
        and not (found := event.asset_check_evaluation_data).passed
        and found.severity is dg.AssetCheckSeverity.ERROR
    )
    return [f"Failed checks: {'; '.join(failed)}."] if failed else []


def _plain(step: str) -> str:
    return step.replace("__", "/")
