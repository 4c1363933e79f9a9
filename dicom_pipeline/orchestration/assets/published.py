"""The published database as an asset: the last step, after all checks.

Belongs here: the asset, its blocking leak check and their metadata.
Does not belong here: writing and replacing the file (warehouse.duckdb.publish), finding leaks
(warehouse.leak_check).
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DbtProject

from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.orchestration.automation import condition_for
from dicom_pipeline.orchestration.instance import hold_write_lock
from dicom_pipeline.orchestration.ui import markdown
from dicom_pipeline.orchestration.ui.metadata import OWNERS, group_tags
from dicom_pipeline.orchestration.ui.progress_log import progress_log
from dicom_pipeline.warehouse.leak_check import LeakReport
from dicom_pipeline.warehouse.warehouse import Warehouse

KEY = dg.AssetKey(["published", "database"])
NO_LEAK = "no_identifier_of_a_patient_in_any_published_column"
_FIX_LEAK = """Nothing was published; the previous published file is unchanged. The table `found`
lists the columns. In `dbt_snowflake/seeds/anonymization_mapping.csv`, give each of them a stricter
function (`clean_text`, `pseudonym` or `remove`), then run `materialize_all_assets_job` again.
`docs/deid.md` describes the functions."""


def build_published(project: DbtProject, processed: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """Return the asset ``published/database``, downstream of all processed tables."""

    @dg.asset(
        key=KEY,
        group_name="published",
        deps=list(processed),
        kinds={"duckdb"},
        owners=OWNERS,
        tags=group_tags("published"),
        automation_condition=condition_for("published"),
        check_specs=[
            dg.AssetCheckSpec(
                NO_LEAK,
                asset=KEY,
                description="No text in the rows of a patient contains a name, identifier, place "
                "or date of that patient. Otherwise nothing is published.",
            )
        ],
    )
    def database(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        write_session: dg.ResourceParam[WriteSession],
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        """The DuckDB file with the de-identified tables; it is replaced atomically."""
        began = time.monotonic()
        step = "searching the processed tables for identifiers of patients"
        with (
            hold_write_lock(context, write_session),
            progress_log(context.log.info, lambda: step),
        ):
            leaks = warehouse.check_for_leaks()
            yield dg.AssetCheckResult(
                check_name=NO_LEAK, passed=leaks.clean, metadata=_leak_metadata(leaks)
            )
            if not leaks.clean:
                raise dg.Failure(
                    f"not published; the leak check found: {'; '.join(map(str, leaks.findings))}",
                    allow_retries=False,
                )
            step = "writing the published file"
            report = warehouse.publish(project.manifest_path)
        yield dg.MaterializeResult[None](
            metadata={
                "dagster/row_count": sum(report.rows.values()),
                "rows": markdown.table(["table", "rows"], sorted(report.rows.items())),
                "bytes": report.size,
                "profile": str(warehouse.settings.profile),
                "seconds": round(time.monotonic() - began, 1),
            }
        )

    return database


def _leak_metadata(leaks: LeakReport) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "columns": leaks.columns,
        "patients": leaks.patients,
        "terms": leaks.terms,
        "leaks": sum(finding.cells for finding in leaks.findings),
        "nulled_at_stage": sum(finding.cells for finding in leaks.nulled),
    }
    for name, findings in (("found", leaks.findings), ("nulled", leaks.nulled)):
        if findings:
            rows = [(f.table, f.column, f.cells, f.problem) for f in findings]
            metadata[name] = markdown.table(["table", "column", "cells", "problem"], rows)
    if not leaks.clean:
        metadata |= markdown.to_do(_FIX_LEAK)
    return metadata
