"""The published database as an asset: the last step, after all checks.

Belongs here: the asset, its blocking leak check, and the build that removes found cells.
Does not belong here: writing and replacing the file (warehouse.duckdb.publish), finding leaks
(warehouse.leak_check), setting cells to null (dbt_snowflake).
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DbtProject

from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.orchestration.automation import condition_for
from dicom_pipeline.orchestration.dbt_project import partial_parse_options, run_dbt
from dicom_pipeline.orchestration.instance import hold_write_lock
from dicom_pipeline.orchestration.ui import markdown
from dicom_pipeline.orchestration.ui.metadata import OWNERS, group_tags
from dicom_pipeline.orchestration.ui.progress_log import progress_log
from dicom_pipeline.warehouse.duckdb.publish import PublishRefused
from dicom_pipeline.warehouse.leak_check.report import LeakReport
from dicom_pipeline.warehouse.warehouse import Warehouse

KEY = dg.AssetKey(["published", "database"])
NO_LEAK = "no_identifier_of_a_patient_in_any_published_column"
_NAMED = 5  # columns in the message; the metadata of the check lists all
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
                blocking=True,
                description="No value in the rows of a patient is a name, identifier, place or "
                "date of that patient. A warning counts cells that were removed for that reason. "
                "If too many would have to be removed, nothing is published.",
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
        step = "searching the tables for identifiers of patients"

        def rebuild() -> None:
            nonlocal step
            step = "building the tables without the cells that identify their patient"
            context.log.info(step)
            _build_again(project, warehouse)
            step = "searching the tables again"

        with (
            hold_write_lock(context, write_session),
            progress_log(context.log.info, lambda: step),
        ):
            leaks = warehouse.check_for_leaks(rebuild)
            for removed in leaks.removed:
                context.log.warning(str(removed))
            yield _check_result(leaks)
            if not leaks.passed:
                raise PublishRefused(_refusal(leaks))
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


def _build_again(project: DbtProject, warehouse: Warehouse) -> None:
    """Build stage and processed with the cells that the stage models set to null.

    All models are selected, because helper models have rows of the partitions of one build only.
    """
    try:
        run_dbt(
            project,
            "build",
            "--select",
            "stage",
            "processed",
            *partial_parse_options(warehouse.partial_parse_path),
            target_path=project.manifest_path.with_name("leak_check"),
        )
    finally:
        warehouse.restrict_permissions()


def _refusal(leaks: LeakReport) -> str:
    """Return the message of a check that does not pass, which names the columns."""
    named = [str(finding) for finding in leaks.findings]
    more = f"; and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"nothing was published; the leak check found: {'; '.join(named[:_NAMED])}{more}"


def _check_result(leaks: LeakReport) -> dg.AssetCheckResult:
    """Return the result of the check: ERROR stops publication, WARN reports removed cells."""
    return dg.AssetCheckResult(
        check_name=NO_LEAK,
        passed=leaks.passed and not leaks.removed,
        severity=dg.AssetCheckSeverity.WARN if leaks.passed else dg.AssetCheckSeverity.ERROR,
        metadata=_leak_metadata(leaks),
    )


def _leak_metadata(leaks: LeakReport) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "columns": leaks.columns,
        "patients": leaks.patients,
        "terms": leaks.terms,
        "leaks": sum(finding.cells for finding in leaks.findings),
        "removed_cells": sum(removed.cells for removed in leaks.removed),
        "nulled_at_stage": sum(finding.cells for finding in leaks.nulled),
    }
    if leaks.exempt:
        metadata["exempt_by_accepted_risk"] = ", ".join(leaks.exempt)
    if leaks.removed:
        counts = [(r.table, r.column, r.cells, r.patients) for r in leaks.removed]
        columns = ["table", "column", "cells", "patients or devices"]
        metadata["removed"] = markdown.table(columns, counts)
    for name, findings in (("found", leaks.findings), ("nulled", leaks.nulled)):
        if findings:
            rows = [(f.table, f.column, f.cells, f.problem) for f in findings]
            metadata[name] = markdown.table(["table", "column", "cells", "problem"], rows)
    if not leaks.passed:
        metadata |= markdown.to_do(_FIX_LEAK)
    return metadata
