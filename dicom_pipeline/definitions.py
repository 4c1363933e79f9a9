"""The Dagster definitions: assets, checks, jobs, sensors and resources; ``dagster dev`` loads them.

Belongs here: assembling the definitions.
Does not belong here: any asset, check, job or sensor (orchestration).
"""

from __future__ import annotations

import dagster as dg
from dagster_dbt import DbtProject

from dicom_pipeline.config.settings import export_for_dbt, load_settings
from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.orchestration.assets.dbt import LEAK_FINDINGS, build_dbt_assets, vault
from dicom_pipeline.orchestration.assets.published import build_published
from dicom_pipeline.orchestration.assets.raw import raw_assets
from dicom_pipeline.orchestration.assets.report_asset import report_asset
from dicom_pipeline.orchestration.assets.snowflake import build_snowflake
from dicom_pipeline.orchestration.assets.summary_asset import summary_asset
from dicom_pipeline.orchestration.automation import build_automation_sensor
from dicom_pipeline.orchestration.checks.pipeline_checks import AUTOMATED_CHECKS, CHECKS
from dicom_pipeline.orchestration.dbt_project import dbt_project, ensure_manifest
from dicom_pipeline.orchestration.dbt_resource import dbt_resource
from dicom_pipeline.orchestration.failures import user_errors_in_one_line
from dicom_pipeline.orchestration.jobs import build_jobs
from dicom_pipeline.orchestration.sensors.failure_alert import build_alert_sensor
from dicom_pipeline.orchestration.sensors.file_arrival import file_arrival_sensor
from dicom_pipeline.orchestration.ui.metadata import with_metadata
from dicom_pipeline.workspace import Workspace


def build_defs(workspace: Workspace, project: DbtProject | None = None) -> dg.Definitions:
    """Return all definitions for a workspace.

    Parameters
    ----------
    workspace
        The services of the settings.
    project
        The dbt project; ``dbt_snowflake`` with the target path of the settings if None. Its
        manifest is created if it is missing or outdated.
    """
    export_for_dbt(workspace.settings)
    project = project or dbt_project(workspace.settings.dbt_target_path)
    ensure_manifest(project)
    dbt_assets = build_dbt_assets(project)
    processed = sorted(key for key in dbt_assets.keys if key.path[0] == "processed")
    on_snowflake = [build_snowflake(project)] if workspace.settings.snowflake else []
    return dg.Definitions(
        assets=[
            LEAK_FINDINGS,
            *with_metadata(
                [
                    raw_assets,
                    summary_asset,
                    vault,
                    dbt_assets,
                    build_published(project, processed),
                    *on_snowflake,
                    report_asset,
                ],
                workspace.ingest,
                project.manifest_path,
            ),
        ],
        asset_checks=CHECKS,
        jobs=build_jobs(workspace.settings),
        sensors=[
            file_arrival_sensor,
            build_automation_sensor(workspace.settings, AUTOMATED_CHECKS),
            build_alert_sensor(workspace.settings),
        ],
        resources={
            "ingest": workspace.ingest,
            "warehouse": workspace.warehouse,
            "write_session": WriteSession(workspace),
            "dbt": dbt_resource(project),
        },
        # the steps of a run share one process: imports in a new process take seconds
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions for the settings in the environment, when Dagster loads them."""
    with user_errors_in_one_line():
        return build_defs(Workspace(load_settings()))
