"""The published database as an asset: the last step, behind all checks.

Belongs here: Dagster's side of publishing and of the leak check that guards it.
Does not belong here: how the file is written and replaced (warehouse.publish), and how leaks are
found (warehouse.leak_check).
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
_TO_DO = """Nothing was published; the file that was there stays. The table `found` names columns.
In `dbt_snowflake/seeds/anonymization_mapping.csv`, give each of them a stricter function
(`clean_text`, `pseudonym` or `remove`), then run `materialize_all_assets_job` again. What each
function does: `docs/deid.md`."""


def build_published(project: DbtProject, processed: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset ``published/database``, downstream of all processed tables."""

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
                description="No text of a patient's rows holds a name, identifier, place or date "
                "of that patient. If it fails: nothing is published; correct the mapping of the "
                "columns it names, and run again.",
            )
        ],
    )
    def database(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        write_session: dg.ResourceParam[WriteSession],
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        """The DuckDB file that people open: de-identified tables, swapped in atomically."""
        began = time.monotonic()
        doing = "looking for identifiers of patients in the processed tables"
        with (
            hold_write_lock(context, write_session),
            progress_log(context.log.info, lambda: doing),
        ):
            leaks = warehouse.check_for_leaks()
            yield dg.AssetCheckResult(
                check_name=NO_LEAK, passed=leaks.clean, metadata=_leak_metadata(leaks)
            )
            if not leaks.clean:
                raise dg.Failure(
                    f"Not published, the leak check found: {'; '.join(map(str, leaks.findings))}",
                    allow_retries=False,
                )
            doing = "writing the published file"
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
        metadata |= markdown.to_do(_TO_DO)
    return metadata
