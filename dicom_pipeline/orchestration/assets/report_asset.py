"""The report as an asset, behind the published database.

Belongs here: Dagster's side of it. Does not belong here: what stands in it (archive_report).
"""

import time

import dagster as dg

from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.orchestration.assets.published import KEY as DATABASE
from dicom_pipeline.orchestration.failures import user_errors_as_failures
from dicom_pipeline.orchestration.jobs import REPORT
from dicom_pipeline.orchestration.ui.metadata import OWNERS
from dicom_pipeline.orchestration.ui.progress_log import progress_log
from dicom_pipeline.reporting.html_report import write_report
from dicom_pipeline.warehouse.warehouse import Warehouse


@dg.asset(
    key=REPORT,
    group_name="report",
    deps=[DATABASE],
    owners=OWNERS,
    kinds={"html"},
    tags={"counts_only": "true"},
    description="One HTML file about the archive, to be opened in a browser: what is there, what "
    "became of the files, what is missing or in conflict. Counts only. It lies in the warehouse "
    "directory, since it has true study months, in groups of 11 or more. Materialize it when you "
    "want one: drawing takes longer than most runs should.",
)
def report(
    context: dg.AssetExecutionContext,
    ingest: dg.ResourceParam[Ingest],
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.MaterializeResult[None]:
    """Write it."""
    began = time.monotonic()
    with (
        user_errors_as_failures(),
        progress_log(context.log.info, lambda: "counting and drawing"),
    ):
        size = write_report(ingest, warehouse.report_file)
    return dg.MaterializeResult[None](
        metadata={
            "file": dg.MetadataValue.path(str(warehouse.report_file)),
            "bytes": size,
            "seconds": round(time.monotonic() - began, 1),
        }
    )
