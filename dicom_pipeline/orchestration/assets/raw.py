"""The raw assets: one multi-asset that updates the raw tables of partitions from their manifests.

Belongs here: asset specs, run config, log and metadata of the raw step.
Does not belong here: the extraction itself (extract), selecting partitions (pending_partitions).
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.extract.partition import READ_BY_OTHER_VERSION, PartitionReport
from dicom_pipeline.extract.tables import IDENTITY_TERMS, RAW_TABLES, REJECTED
from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.orchestration.instance import hold_write_lock
from dicom_pipeline.orchestration.latest_change import unchanged_metadata
from dicom_pipeline.orchestration.partition_range import study_period
from dicom_pipeline.orchestration.pending_partitions import VERSION_METADATA, known_versions
from dicom_pipeline.orchestration.storage.event_batches import cached_partitions
from dicom_pipeline.orchestration.ui import markdown
from dicom_pipeline.orchestration.ui.metadata import OWNERS, RAW_TAGS
from dicom_pipeline.orchestration.ui.progress_log import progress_log

GROUP = "raw"
FILES_READ = "files_read_in_run"
FILES_REJECTED = "files_read_and_rejected_in_run"
FILES_PER_SECOND = "files_per_second"
SECONDS = "seconds"

_DESCRIPTIONS = {
    "devices": "One row per device and distinct attribute values, as in the files. Contains PHI.",
    "images": "One row per file: the instance, its attributes and its path. Contains PHI.",
    "patients": "One row per patient, study and distinct attribute values. Contains PHI.",
    "series": "One row per series and distinct attribute values. Contains PHI.",
    "studies": "One row per study and distinct attribute values. Contains PHI.",
    IDENTITY_TERMS: "One row per patient, study and distinct set of identifying terms: words of "
    "names, identifiers, places, dates. Contains PHI.",
    REJECTED: "One row per file that is in no other table, with the reason. Contains file names.",
}


class RawConfig(dg.Config):
    """Run config of the raw assets, for the launchpad."""

    force: bool = False
    """Read every file of the selected partitions again, even if nothing changed."""


def _specs() -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            [GROUP, table],
            group_name=GROUP,
            description=_DESCRIPTIONS[table],
            partitions_def=study_period,
            skippable=True,
            kinds={"parquet"},
            owners=OWNERS,
            tags=RAW_TAGS,
        )
        for table in RAW_TABLES
    ]


@dg.multi_asset(
    name="raw_tables",
    specs=_specs(),
    can_subset=True,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def raw_assets(
    context: dg.AssetExecutionContext,
    config: RawConfig,
    ingest: dg.ResourceParam[Ingest],
    write_session: dg.ResourceParam[WriteSession],
) -> Iterator[dg.MaterializeResult[None]]:
    """Read the headers of new and changed files once and write all raw tables.

    All tables of a partition are written together, even if only some of them were selected:
    otherwise the tables would be inconsistent.
    """
    began = time.monotonic()
    progress = _Progress()
    with (
        hold_write_lock(context, write_session),
        progress_log(context.log.info, progress.__str__),
    ):
        step = ingest.raw_step(progress)
        if outdated := step.partitions.read_by_other_version(context.partition_keys):
            context.log.info(f"{len(outdated)} {READ_BY_OTHER_VERSION}")
        reports = list(step.refresh(context.partition_keys, force=config.force))
    seconds = time.monotonic() - began
    files_read = sum(report.read for report in reports)
    context.log.info(
        f"{progress}; {files_read} read, {sum(r.carried_over for r in reports)} carried over, "
        f"{len(reports)} partitions in {seconds:.1f} s"
    )
    changed = _have_changed(context, reports)
    if not changed:
        context.log.info("nothing has changed: nothing downstream has to be rebuilt")
    with cached_partitions(context.instance):
        for key in context.selected_asset_keys:
            for report in reports:
                context.add_asset_metadata(
                    _metadata(report, key.path[-1]), asset_key=key, partition_key=report.period
                )
    for key in sorted(context.selected_asset_keys):
        yield dg.MaterializeResult[None](
            asset_key=key,
            metadata={
                FILES_READ: files_read,
                FILES_REJECTED: sum(report.read_and_rejected for report in reports),
                "partitions_written_in_run": sum(r.bytes_written > 0 for r in reports),
                "bytes_written_in_run": sum(r.bytes_written for r in reports),
                SECONDS: round(seconds, 1),
                FILES_PER_SECOND: round(files_read / seconds, 1),
                **({} if changed else unchanged_metadata(context.instance, key)),
            },
        )


def _have_changed(context: dg.AssetExecutionContext, reports: Sequence[PartitionReport]) -> bool:
    """Return whether a partition was written, or has another version than Dagster has recorded."""
    known = known_versions(context.instance, [report.period for report in reports])
    return any(
        report.read or report.bytes_written or known.get(report.period) != report.version
        for report in reports
    )


class _Progress:
    """Number of files that are up to date, and the total."""

    def __init__(self) -> None:
        self.done = self.total = 0

    def __call__(self, done: int, total: int) -> None:
        self.done, self.total = done, total

    def __str__(self) -> str:
        return f"{self.done} of {self.total} files are up to date"


def _metadata(report: PartitionReport, table: str) -> dict[str, dg.MetadataValue[Any]]:
    rejects: Counter[str] = Counter(report.rejected) + Counter(report.ignored)
    metadata: dict[str, dg.MetadataValue[Any]] = {
        VERSION_METADATA: dg.MetadataValue.text(report.version),
        "dagster/partition_row_count": dg.MetadataValue.int(report.rows.get(table, 0)),
        "files": dg.MetadataValue.int(report.files),
        "files_read": dg.MetadataValue.int(report.read),
        "files_carried_over": dg.MetadataValue.int(report.carried_over),
        "files_loaded": dg.MetadataValue.int(report.loaded),
        "files_duplicate": dg.MetadataValue.int(report.duplicate),
        "bytes_written": dg.MetadataValue.int(report.bytes_written),
    }
    if rejects:
        metadata["files_without_row"] = markdown.counts("reason", "files", rejects)
    return metadata
