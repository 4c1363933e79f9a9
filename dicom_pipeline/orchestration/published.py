"""The published database as an asset: the last step, behind all checks.

Belongs here: Dagster's side of publishing.
Does not belong here: how the file is written and replaced (warehouse.publish).
"""

from collections.abc import Sequence

import dagster as dg
from dagster_dbt import DbtProject

from dicom_pipeline.orchestration.automation import condition_for
from dicom_pipeline.orchestration.instance import writing
from dicom_pipeline.pipeline import Pipeline

KEY = dg.AssetKey(["published", "database"])


def build_published(project: DbtProject, processed: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset ``published/database``, downstream of all processed tables."""

    @dg.asset(
        key=KEY,
        group_name="published",
        deps=list(processed),
        kinds={"duckdb"},
        owners=["team:data-engineering"],
        automation_condition=condition_for("published"),
    )
    def database(
        context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
    ) -> dg.MaterializeResult[None]:
        """The DuckDB file that people open: de-identified tables, swapped in atomically."""
        with writing(context, pipeline):
            report = pipeline.publish(project.manifest_path)
        lines = ["| table | rows |", "| --- | ---: |"]
        lines += [f"| {table} | {rows} |" for table, rows in report.rows.items()]
        return dg.MaterializeResult[None](
            metadata={
                "rows": dg.MetadataValue.md(
                    "\n".join(["| table | rows |", "| --- | ---: |", *lines])
                ),
                "bytes": report.size,
            }
        )

    return database
