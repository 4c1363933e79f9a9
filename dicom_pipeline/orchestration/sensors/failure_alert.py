"""The sensor that tells people of failed runs, where they asked for it (``DICOM_ALERT_WEBHOOK``).

Belongs here: which runs are told of, and in what words: job, steps, checks, counts and run ids.
Does not belong here: sending (alerts). Errors of steps are left out: what a library says of a file
may quote it.
"""

import dagster as dg

from dicom_pipeline.config.settings import Settings
from dicom_pipeline.operations.alert_webhook import AlertNotSent, send
from dicom_pipeline.orchestration.failures import failed_run
from dicom_pipeline.orchestration.jobs import ALL_JOB, RAW_JOB

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
    failed = failed_run(context.instance, context.dagster_run)
    lines = [
        f"dicom_pipeline: {failed.job} failed"
        + (f" in {', '.join(failed.steps)}" if failed.steps else "")
        + f" (run {failed.run_id[:8]}, started by {failed.trigger}).",
        *([f"Failed checks: {'; '.join(failed.checks)}."] if failed.checks else []),
        _NEXT.get(failed.job, _NEXT_OTHERWISE),
    ]
    return "\n".join(lines)
