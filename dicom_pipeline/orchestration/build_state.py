"""The state of the builds as recorded by Dagster, for the status command.

Belongs here: collecting the state. Does not belong here: interpreting it (operations.status).
"""

import dagster as dg

from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.operations.status import BuildState
from dicom_pipeline.orchestration.failures import open_failures
from dicom_pipeline.orchestration.instance import fail_dead_runs, open_instance
from dicom_pipeline.orchestration.pending_partitions import find_pending
from dicom_pipeline.orchestration.problems import (
    alerts_state,
    failing_sensors,
    landing_problems,
    stopped_sensors,
)
from dicom_pipeline.orchestration.stale_assets import changed_seeds, outdated_groups


def build_state(ingest: Ingest) -> BuildState:
    """Collect failed runs, pending partitions, what is outdated, and problems of sensors.

    Raises
    ------
    StorageUnavailable
        Dagster's database cannot be reached.
    """
    with open_instance(ingest.settings) as instance:
        return state_of(ingest, instance)


def state_of(ingest: Ingest, instance: dg.DagsterInstance) -> BuildState:
    """Collect the state from an open instance."""
    fail_dead_runs(instance)
    return BuildState(
        failed=open_failures(instance),
        pending_partitions=len(find_pending(ingest, instance).versions),
        changed_seeds=changed_seeds(instance),
        outdated_groups=outdated_groups(instance),
        problems=[
            f"{problem.title}. {' '.join(problem.details)}"
            for problem in (*failing_sensors(instance), *landing_problems(ingest))
        ],
        stopped=[problem.title for problem in stopped_sensors(instance)],
        alerts=alerts_state(instance, has_webhook=ingest.settings.alert_webhook is not None),
    )
