"""The tables on Snowflake as an asset: after the local tables were checked and published.

Belongs here: the asset: sending stage, building ``processed`` there with dbt, and publishing it.
Does not belong here: the work of the steps (warehouse.snowflake), SQL (dbt_snowflake).
"""

import time

import dagster as dg
from dagster_dbt import DbtProject

from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.orchestration.assets.published import KEY as DATABASE
from dicom_pipeline.orchestration.automation import condition_for
from dicom_pipeline.orchestration.dbt_project import run_dbt
from dicom_pipeline.orchestration.instance import hold_write_lock
from dicom_pipeline.orchestration.ui import markdown
from dicom_pipeline.orchestration.ui.metadata import OWNERS, group_tags
from dicom_pipeline.orchestration.ui.progress_log import progress_log
from dicom_pipeline.warehouse.warehouse import Warehouse

KEY = dg.AssetKey(["published", "snowflake"])
# the models of `processed`, and the seeds that they read
_SELECTION = (
    "processed", "anonymization_mapping", "confidentiality_profile", "deidentification_methods",
    "quasi_identifiers", "vr_functions",
)  # fmt: skip


def build_snowflake(project: DbtProject) -> dg.AssetsDefinition:
    """Return the asset ``published/snowflake``, downstream of ``published/database``."""

    @dg.asset(
        key=KEY,
        group_name="published",
        deps=[DATABASE],
        kinds={"snowflake"},
        owners=OWNERS,
        tags=group_tags("published"),
        automation_condition=condition_for("published"),
    )
    def snowflake(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        write_session: dg.ResourceParam[WriteSession],
    ) -> dg.MaterializeResult[None]:
        """The de-identified tables on Snowflake; all rows are replaced in one transaction."""
        began = time.monotonic()
        step = "sending the stage tables"
        with (
            hold_write_lock(context, write_session),
            progress_log(context.log.info, lambda: step),
        ):
            loaded = warehouse.load_snowflake()
            step = "building the processed tables"
            run_dbt(
                project,
                "build",
                "--select",
                *_SELECTION,
                target="snowflake",
                target_path=project.manifest_path.with_name("snowflake"),
            )
            step = "publishing the processed tables"
            report = warehouse.publish_snowflake(project.manifest_path)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": sum(report.rows.values()),
                "rows": markdown.table(["table", "rows"], sorted(report.rows.items())),
                "partitions": loaded.partitions,
                "partitions_loaded": loaded.loaded,
                "partitions_removed": loaded.removed,
                "rows_loaded": loaded.rows,
                "seconds": round(time.monotonic() - began, 1),
            }
        )

    return snowflake
