"""The sensor that reports problems to a webhook (``DICOM_ALERT_WEBHOOK``).

Belongs here: a tick.
Does not belong here: finding problems (problems), what was announced (alerts), sending
(operations.alert_webhook).
"""

import dagster as dg

from dicom_pipeline.config.settings import Settings
from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.operations.alert_webhook import AlertNotSent
from dicom_pipeline.orchestration.alerts import announce
from dicom_pipeline.orchestration.problems import ALERT_SENSOR, COMMAND, find_problems


def build_alert_sensor(settings: Settings) -> dg.SensorDefinition:
    """Return the sensor; it is on by default if a webhook is set."""
    webhook = settings.alert_webhook

    @dg.sensor(
        name=ALERT_SENSOR,
        minimum_interval_seconds=30,
        default_status=(
            dg.DefaultSensorStatus.RUNNING if webhook else dg.DefaultSensorStatus.STOPPED
        ),
        description="Sends a message to the webhook of DICOM_ALERT_WEBHOOK about each failed run "
        "and check, about a sensor that fails or is stopped, and about a stale landing zone, and "
        "another one when it is resolved. Without that variable it does nothing.",
    )
    def failure_alert_sensor(
        context: dg.SensorEvaluationContext, ingest: dg.ResourceParam[Ingest]
    ) -> dg.SkipReason:
        if webhook is None:
            return dg.SkipReason("DICOM_ALERT_WEBHOOK is not set")
        repository = context.repository_def
        checks = repository.asset_graph.asset_check_keys if repository else ()
        problems = find_problems(context.instance, ingest, checks)
        try:
            sent = announce(
                context.instance, webhook, problems, is_judged=lambda key: key != COMMAND
            )
        except AlertNotSent as error:
            # not raised: this is no error of the pipeline, and the log of the tick shows it
            context.log.error(str(error))
            return dg.SkipReason(f"{error}; the next tick tries again")
        return dg.SkipReason(f"{len(problems)} problems, {sent} new or resolved")

    return failure_alert_sensor
