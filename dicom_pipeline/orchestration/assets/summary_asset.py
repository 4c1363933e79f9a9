"""Summary of the archive: an asset whose metadata are tables and charts.

Belongs here: the selection of counts, and the throughput of earlier runs from Dagster's events.
Does not belong here: counting (extract), suppression of small cells (reporting.disclosure_control),
drawing (reporting.charts).
"""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from dicom_pipeline.extract.file_counts import count_outcomes
from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.extract.reconciliation import FileCounts
from dicom_pipeline.extract.tables import RAW_TABLES
from dicom_pipeline.mapping.defined_terms import defined_terms
from dicom_pipeline.orchestration.assets.raw import FILES_PER_SECOND, FILES_READ, SECONDS
from dicom_pipeline.orchestration.assets.raw import GROUP as RAW
from dicom_pipeline.orchestration.automation import condition_for
from dicom_pipeline.orchestration.failures import user_errors_as_failures
from dicom_pipeline.orchestration.ui import markdown
from dicom_pipeline.orchestration.ui.metadata import OWNERS
from dicom_pipeline.orchestration.ui.progress_log import progress_log
from dicom_pipeline.reporting import charts
from dicom_pipeline.reporting.disclosure_control import MIN_CELL_SIZE, by_name, suppress
from dicom_pipeline.reporting.studies_by_month import studies_by_month

GROUP = "report"
KEY = dg.AssetKey([GROUP, "summary"])
_MAX_RUNS = 30  # in the throughput chart
_IMAGES = dg.AssetKey([RAW, "images"])
_RAW_RUN = "of_run"


@dg.asset(
    key=KEY,
    group_name=GROUP,
    deps=[dg.AssetKey([RAW, table]) for table in RAW_TABLES],
    automation_condition=condition_for(GROUP),
    owners=OWNERS,
    kinds={"python"},
    tags={"counts_only": "true"},
    description="Summary of the archive, in the metadata of the latest materialization: file "
    "outcomes with reasons, studies per month by modality, files per partition, throughput of "
    f"runs. Counts only; studies are shown in groups of {MIN_CELL_SIZE} or more.",
)
def summary_asset(
    context: dg.AssetExecutionContext, ingest: dg.ResourceParam[Ingest]
) -> dg.MaterializeResult[None]:
    """Count rows and draw charts."""
    with (
        user_errors_as_failures(context),
        progress_log(context.log.info, lambda: "counting rows of the raw zone"),
    ):
        counts = count_outcomes(ingest.partitions)
        metadata: dict[str, Any] = {
            "files": markdown.table(["files", ""], [*counts.outcomes.items()]),
            **_studies(ingest),
            **_partitions(ingest),
            **_without_row(counts),
            **_throughput(context),
        }
    return dg.MaterializeResult[None](metadata=metadata)


def _studies(ingest: Ingest) -> Mapping[str, Any]:
    spans = suppress(studies_by_month(ingest.partitions.raw, defined_terms("Modality")))
    if not spans:
        return {"studies_a_month": f"fewer than {MIN_CELL_SIZE} studies: not shown"}
    labels, parts = [span.label for span in spans], by_name(spans)
    title = f"Studies per month by modality (groups under {MIN_CELL_SIZE} are merged)"
    rows: list[tuple[markdown.Cell, ...]] = list(zip(labels, *parts.values(), strict=True))
    return {
        "studies_a_month": _chart(
            "studies per month by modality", lambda: charts.stacked_bars(title, labels, parts)
        ),
        "studies_a_month_as_table": markdown.table(["months", *parts], rows),
    }


def _partitions(ingest: Ingest) -> Mapping[str, Any]:
    manifests = ingest.partitions.manifests
    sizes = {period: manifests.count(period) for period in manifests.periods()}
    sizes = {period: size for period, size in sizes.items() if size}
    if not sizes:
        return {}
    parts = {"files": [*sizes.values()]}
    return {
        "partitions": len(sizes),
        "files_a_partition": _chart(
            "files per partition",
            lambda: charts.stacked_bars("Files per partition", list(sizes), parts),
        ),
    }


def _without_row(counts: FileCounts) -> Mapping[str, Any]:
    reasons = counts.rejected + counts.ignored
    if not reasons:
        return {}
    return {
        "files_without_row": _chart(
            "files without a row by reason",
            lambda: charts.flat_bars("Files without a row, by reason", reasons),
        ),
        "files_without_row_as_table": markdown.counts("reason", "files", reasons),
    }


def _throughput(context: dg.AssetExecutionContext) -> Mapping[str, Any]:
    """Return the throughput of the latest raw run, and a chart with earlier ones, oldest first."""
    latest = context.instance.get_latest_materialization_event(_IMAGES)
    if latest is None or not latest.asset_materialization:
        return {}
    metadata = latest.asset_materialization.metadata
    names = (FILES_READ, FILES_PER_SECOND, SECONDS)
    found: dict[str, Any] = {name: metadata[name] for name in names if name in metadata}
    found[_RAW_RUN] = dg.MetadataValue.dagster_run(latest.run_id)
    page = context.instance.fetch_materializations(KEY, limit=_MAX_RUNS - 1)
    runs = [
        found,
        *(r.asset_materialization.metadata for r in page.records if r.asset_materialization),
    ]
    # one entry per raw run: this asset may be materialized several times after a raw run
    speeds = {str(run[_RAW_RUN].value): _speed(run) for run in reversed(runs) if _RAW_RUN in run}
    # a run that read no file has no throughput
    points = [speed for speed in speeds.values() if speed[0]]
    if len(points) > 1:
        labels = [f"{files:,.0f} files" for files, _ in points]
        speeds_of_runs = [speed for _, speed in points]
        found["throughput"] = _chart(
            "files per second by run",
            lambda: charts.line("Files per second, by run", labels, speeds_of_runs),
        )
    return found


def _chart(text: str, draw: Callable[[], bytes]) -> Any:
    """Return a chart, or which extra to install; tables with the same counts are shown as well."""
    if not charts.can_draw():
        return "not drawn: install dicom-pipeline[report]"
    return markdown.image(draw(), text)


def _speed(metadata: Mapping[str, dg.MetadataValue[Any]]) -> tuple[float, float]:
    files, speed = metadata.get(FILES_READ), metadata.get(FILES_PER_SECOND)
    return (float(files.value), float(speed.value)) if files and speed else (0, 0)
