"""The sensor that reports failed runs to a webhook (``DICOM_ALERT_WEBHOOK``).

Belongs here: which runs are reported, and the message: job, steps, checks and run id.
Does not belong here: sending the message (operations.alert_webhook).

Errors of steps are not reported: the message of a library may quote a file.
"""

import dagster as dg

from dicom_pipeline.config.settings import Settings
from dicom_pipeline.operations.alert_webhook import AlertNotSent, send
from dicom_pipeline.orchestration.failures import failed_run
from dicom_pipeline.orchestration.jobs import ALL_JOB, RAW_JOB

NAME = "failure_alert_sensor"
_NEXT = {
    RAW_JOB: "Open the run in the web UI; its last error shows what to fix.",
    ALL_JOB: "Open the run in the web UI, or run `dicom-pipeline run` again.",
}
_NEXT_OTHERWISE = "Open the run in the web UI. The previous published file is unchanged."


def build_alert_sensor(settings: Settings) -> dg.SensorDefinition:
    """Return the sensor; it is on by default if a webhook is set."""
    webhook = settings.alert_webhook

    @dg.run_failure_sensor(
        name=NAME,
        monitor_all_code_locations=True,  # runs of commands belong to no code location
        minimum_interval_seconds=15,
        default_status=(
            dg.DefaultSensorStatus.RUNNING if webhook else dg.DefaultSensorStatus.STOPPED
        ),
        description="Sends a message about each failed run to the webhook of "
        "DICOM_ALERT_WEBHOOK. Without that variable it does nothing.",
    )
    def failure_alert_sensor(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        if webhook is None:
            return dg.SkipReason("DICOM_ALERT_WEBHOOK is not set")
        try:
            send(webhook, message(context))
        except AlertNotSent as error:
            # if it were raised, every tick would retry it and delay the alerts of other runs
            context.log.error(str(error))
        return None

    return failure_alert_sensor


def message(context: dg.RunFailureSensorContext) -> str:
    """Return the message about a failed run."""
    failed = failed_run(context.instance, context.dagster_run)
    lines = [
        f"dicom_pipeline: {failed.job} failed"
        + (f" in {', '.join(failed.steps)}" if failed.steps else "")
        + f" (run {failed.run_id[:8]}, started by {failed.trigger}).",
        *([f"Failed checks: {'; '.join(failed.checks)}."] if failed.checks else []),
        _NEXT.get(failed.job, _NEXT_OTHERWISE),
    ]
    return "\n".join(lines)
