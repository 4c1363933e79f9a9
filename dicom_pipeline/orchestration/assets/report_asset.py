"""The HTML report as an asset, downstream of the published database.

Belongs here: the asset and its metadata.
Does not belong here: the content of the report (reporting.html_report).
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
    description="One HTML file about the archive, to be opened in a browser: contents, file "
    "outcomes, missing attributes and conflicts. Counts only. It is written to the warehouse "
    "directory, because it contains the true months of studies, in groups of 11 or more. No job "
    "and no sensor materializes it, because drawing takes long: materialize it when you need it.",
)
def report_asset(
    context: dg.AssetExecutionContext,
    ingest: dg.ResourceParam[Ingest],
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.MaterializeResult[None]:
    """Write the report."""
    began = time.monotonic()
    with (
        user_errors_as_failures(context),
        progress_log(context.log.info, lambda: "counting rows and drawing charts"),
    ):
        size = write_report(ingest, warehouse.report_file)
    return dg.MaterializeResult[None](
        metadata={
            "file": dg.MetadataValue.path(str(warehouse.report_file)),
            "bytes": size,
            "seconds": round(time.monotonic() - began, 1),
        }
    )
