"""Asset checks of the raw tables, with instructions for a failed check in its metadata.

Belongs here: asset checks that are not dbt tests.
Does not belong here: counting files (extract.reconciliation), dbt tests (dbt_checks).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from dicom_pipeline.extract.cross_check import AGREED, DIFFERED, count_readers
from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.landing.manifest import now
from dicom_pipeline.mapping.attribute_mapping import ENTITIES
from dicom_pipeline.orchestration.assets.raw import FILES_READ, FILES_REJECTED
from dicom_pipeline.orchestration.automation import missing_result_condition, six_hourly_condition
from dicom_pipeline.orchestration.failures import user_errors_as_failures
from dicom_pipeline.orchestration.ui import markdown
from dicom_pipeline.orchestration.ui.progress_log import progress_log

IMAGES = dg.AssetKey(["raw", "images"])
READERS_AGREE = "fast_reader_agrees_with_pydicom"
NOT_STUCK = "no_partition_is_stuck"
FEW_REJECTED = "few_new_files_are_rejected"
JUDGED_FROM = 20  # files: of fewer, a single one would be a large share
ACCOUNTED_FOR = "every_discovered_file_is_accounted_for"
FRESH = "landing_zone_was_scanned_lately"
FRESH_HOURS = 24
# checks that the automation sensor requests without their asset
AUTOMATED_CHECKS = [
    dg.AssetCheckKey(IMAGES, FRESH),
    *(dg.AssetCheckKey(dg.AssetKey(["raw", table]), ACCOUNTED_FOR) for table in ENTITIES),
]

_FIX_RECONCILIATION = """Run `dicom-pipeline scan`, then `materialize_raw_assets_job` with all
partitions and `force: true` in its config. If the same files are lost again, report a bug."""
_FIX_STUCK = """Read the errors of the failed runs and fix their cause. Then launch
`materialize_raw_assets_job` for the partitions that are not up to date. `file_arrival_sensor`
stops requesting these partitions after three failures, and continues after a successful run."""
_FIX_READERS = """Set `DICOM_READER=pydicom` and run `materialize_raw_assets_job` with
`force: true`, so that pydicom reads all files. The rows that differ already have the values of
pydicom. Report a bug."""
_FIX_REJECTED = """List the rejected files with `dicom-pipeline rejects`. Many files with one reason
usually have one cause: a device or an export that writes other files than before. If the files are
right, report a bug; if they are no DICOM files, `DICOM_MAX_REJECTED_FRACTION` accepts more of
them."""
_FIX_FRESH = """Switch `file_arrival_sensor` on (*Automation*), or run `dicom-pipeline scan`. If
the sensor is on, its ticks show the cause, for example a disk that is not mounted."""


# one check on each table, because a blocking check blocks only the tables downstream of its asset
@dg.multi_asset_check(
    name=ACCOUNTED_FOR,
    specs=[
        dg.AssetCheckSpec(
            ACCOUNTED_FOR,
            asset=dg.AssetKey(["raw", table]),
            blocking=True,
            description="Every discovered file is accounted for: discovered = loaded + duplicate + "
            "rejected + ignored + pending, compared with an independent listing.",
            automation_condition=missing_result_condition(),
        )
        for table in ENTITIES
    ],
    can_subset=True,
)
def every_discovered_file_is_accounted_for(
    context: dg.AssetCheckExecutionContext, ingest: dg.ResourceParam[Ingest]
) -> Iterator[dg.AssetCheckResult]:
    """Compare an independent listing of the landing zone with the raw zone.

    A bucket with a queue is listed only when a full listing is due; otherwise the manifests are
    compared.
    """
    with (
        user_errors_as_failures(context),
        progress_log(context.log.info, lambda: "comparing a listing with the raw zone"),
    ):
        counts = ingest.reconcile(listed=False)
    reasons = counts.rejected + counts.ignored
    for key in sorted(context.selected_asset_check_keys):
        yield dg.AssetCheckResult(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=counts.balanced,
            metadata={
                "discovered": counts.discovered,
                "loaded": counts.loaded,
                "duplicate": counts.duplicate,
                "rejected": counts.rejected.total(),
                "ignored": counts.ignored.total(),
                "pending": counts.pending,
                "lost": counts.lost,
                "counted_twice": counts.duplicate_rows,
                **({"without_row": markdown.counts("reason", "files", reasons)} if reasons else {}),
                **({} if counts.balanced else markdown.to_do(_FIX_RECONCILIATION)),
            },
        )


def stuck_evaluation(partitions: int, run_ids: list[str]) -> dg.AssetCheckEvaluation:
    """Return the result that the file sensor reports after repeated failures.

    Parameters
    ----------
    partitions
        Number of pending partitions.
    run_ids
        Failed runs for these partitions.
    """
    return dg.AssetCheckEvaluation(
        asset_key=IMAGES,
        check_name=NOT_STUCK,
        passed=False,
        metadata={
            "pending_partitions": partitions,
            "failed_runs": ", ".join(run_ids),
            **markdown.to_do(_FIX_STUCK),
        },
    )


@dg.asset_check(
    asset=IMAGES,
    name=NOT_STUCK,
    description="The raw tables of every partition have the version of its manifest.",
)
def no_partition_is_stuck(
    context: dg.AssetCheckExecutionContext, ingest: dg.ResourceParam[Ingest]
) -> dg.AssetCheckResult:
    """Compare the versions of the parquet files with those of the manifests."""
    with user_errors_as_failures(context):
        partitions = ingest.partitions
        wanted = partitions.wanted_versions()
        pending = sum(partitions.raw.version(key) != version for key, version in wanted.items())
    return dg.AssetCheckResult(
        passed=not pending,
        metadata={
            "pending_partitions": pending,
            **(markdown.to_do(_FIX_STUCK) if pending else {}),
        },
    )


@dg.asset_check(
    asset=IMAGES,
    name=READERS_AGREE,
    description="The fast reader and pydicom read the same values. One file in a thousand is read "
    "by both.",
)
def fast_reader_agrees_with_pydicom(
    context: dg.AssetCheckExecutionContext, ingest: dg.ResourceParam[Ingest]
) -> dg.AssetCheckResult:
    """Count the files of which the two readers returned different values."""
    with user_errors_as_failures(context):
        raw = ingest.partitions.raw
        found = count_readers(raw, raw.periods())
    return dg.AssetCheckResult(
        passed=not found[DIFFERED],
        metadata={
            "compared": found[AGREED] + found[DIFFERED],
            "differed": found[DIFFERED],
            "reader_version": markdown.counts("reader, and why", "files", found),
            **(markdown.to_do(_FIX_READERS) if found[DIFFERED] else {}),
        },
    )


@dg.asset_check(
    asset=IMAGES,
    name=FEW_REJECTED,
    description="Of the files that the latest run read, at most the fraction "
    "DICOM_MAX_REJECTED_FRACTION was rejected.",
)
def few_new_files_are_rejected(
    context: dg.AssetCheckExecutionContext, ingest: dg.ResourceParam[Ingest]
) -> dg.AssetCheckResult:
    """Compare the counts of the latest materialization with the limit."""
    latest = context.instance.get_latest_materialization_event(IMAGES)
    materialization = latest.asset_materialization if latest else None
    metadata = materialization.metadata if materialization else {}
    read, rejected = (
        int(str(metadata[name].value)) if name in metadata else 0
        for name in (FILES_READ, FILES_REJECTED)
    )
    limit = ingest.settings.max_rejected_fraction
    passed = read < JUDGED_FROM or rejected / read <= limit
    return dg.AssetCheckResult(
        passed=passed,
        metadata={
            "files_read": read,
            "rejected": rejected,
            "limit": limit,
            **({} if passed else markdown.to_do(_FIX_REJECTED)),
        },
    )


@dg.asset_check(
    asset=IMAGES,
    name=FRESH,
    description=f"A complete scan of the landing zone began in the last {FRESH_HOURS} hours.",
    automation_condition=six_hourly_condition(),
)
def landing_zone_was_scanned_lately(ingest: dg.ResourceParam[Ingest]) -> dg.AssetCheckResult:
    """Compare the time of the last scan with the current time."""
    scan = ingest.manifests.read_state()
    hours = (now() - scan.began_at).total_seconds() / 3600 if scan else None
    fresh = scan is not None and scan.complete and hours is not None and hours <= FRESH_HOURS
    metadata: dict[str, Any] = {}
    if scan is not None and hours is not None:
        metadata = {
            "hours_since_scan": round(hours, 1),
            "scan_came_to_its_end": scan.complete,
            "files_that_wait_to_settle": scan.unsettled,
        }
    return dg.AssetCheckResult(
        passed=fresh,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={**metadata, **({} if fresh else markdown.to_do(_FIX_FRESH))},
    )


CHECKS = [
    every_discovered_file_is_accounted_for,
    fast_reader_agrees_with_pydicom,
    few_new_files_are_rejected,
    landing_zone_was_scanned_lately,
    no_partition_is_stuck,
]
