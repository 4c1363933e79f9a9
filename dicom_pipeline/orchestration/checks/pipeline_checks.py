"""Checks of our own beside dbt's tests: what they hold and what to do when they fail.

Belongs here: asset checks. Does not belong here: the counting behind them (extract.accounting).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from dicom_pipeline.extract.cross_check import AGREED, DIFFERED, readers
from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.landing.manifest import now
from dicom_pipeline.mapping.attribute_mapping import ENTITIES
from dicom_pipeline.orchestration.automation import on_schedule, until_evaluated
from dicom_pipeline.orchestration.failures import user_errors_as_failures
from dicom_pipeline.orchestration.ui import markdown
from dicom_pipeline.orchestration.ui.progress_log import progress_log

IMAGES = dg.AssetKey(["raw", "images"])
READERS_AGREE = "fast_reader_agrees_with_pydicom"
NOT_STUCK = "no_partition_is_stuck"
ACCOUNTED_FOR = "every_discovered_file_is_accounted_for"
FRESH = "landing_zone_was_scanned_lately"
FRESH_HOURS = 24
# those that automation asks for by themselves
AUTOMATED = [
    dg.AssetCheckKey(IMAGES, FRESH),
    *(dg.AssetCheckKey(dg.AssetKey(["raw", table]), ACCOUNTED_FOR) for table in ENTITIES),
]

_FIX_ACCOUNT = """Run `dicom-pipeline scan`, then `materialize_raw_assets_job` with all partitions
and `force: true` in its config. If the same files are lost again, report it."""
_FIX_STUCK = """Read the errors of the failed runs: each says in one line what to mend. Then launch
`materialize_raw_assets_job` for the partitions that are not up to date. `file_arrival_sensor` gave
up after three failures, and goes on by itself after a success."""
_FIX_READERS = """Set `DICOM_READER=pydicom` and run `materialize_raw_assets_job` with
`force: true`: the rows that differ are pydicom's already, the others are then too. Report it."""
_FIX_FRESH = """Switch `file_arrival_sensor` on (*Automation*), or run `dicom-pipeline scan`. If
the sensor is on, its ticks say what keeps it, such as a disk that is not mounted."""


# one check on each table, so that it gates every table downstream
@dg.multi_asset_check(
    name=ACCOUNTED_FOR,
    specs=[
        dg.AssetCheckSpec(
            ACCOUNTED_FOR,
            asset=dg.AssetKey(["raw", table]),
            blocking=True,
            description="Every discovered file is accounted for: found = loaded + duplicate + "
            "rejected + ignored + pending, by a listing of its own. If it fails: run "
            "`dicom-pipeline scan`, then the raw job with force = true.",
            automation_condition=until_evaluated(),
        )
        for table in ENTITIES
    ],
    can_subset=True,
)
def every_discovered_file_is_accounted_for(
    context: dg.AssetCheckExecutionContext, ingest: dg.ResourceParam[Ingest]
) -> Iterator[dg.AssetCheckResult]:
    """Hold an independent listing of the landing zone against the raw zone.

    Of a bucket with a queue, only when a listing is due; else what the manifests have.
    """
    with (
        user_errors_as_failures(),
        progress_log(context.log.info, lambda: "checking a listing against the raw zone"),
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
                **({} if counts.balanced else markdown.to_do(_FIX_ACCOUNT)),
            },
        )


def stuck(partitions: int, run_ids: list[str]) -> dg.AssetCheckEvaluation:
    """Result that the sensor reports when runs for the same partitions fail again and again."""
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
    description="Every partition of the landing zone has been written as its manifest has it. If "
    "it fails: read the errors of the failed runs, mend what they say, launch the raw job.",
)
def no_partition_is_stuck(ingest: dg.ResourceParam[Ingest]) -> dg.AssetCheckResult:
    """Hold the versions of the parquet against those of the manifests."""
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
    description="One file in a thousand is read by pydicom as well; its values are those of the "
    "fast reader. If it fails: set DICOM_READER=pydicom, force the raw job, and report it.",
)
def fast_reader_agrees_with_pydicom(ingest: dg.ResourceParam[Ingest]) -> dg.AssetCheckResult:
    """Count the files whose header the two readers read differently."""
    raw = ingest.partitions.raw
    found = readers(raw, raw.periods())
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
    name=FRESH,
    description=f"The landing zone was scanned to its end in the last {FRESH_HOURS} hours, so "
    "that the tables have what lies there. If it fails: switch file_arrival_sensor on, or run "
    "`dicom-pipeline scan`.",
    automation_condition=on_schedule(),
)
def landing_zone_was_scanned_lately(ingest: dg.ResourceParam[Ingest]) -> dg.AssetCheckResult:
    """Hold the last scan against the clock."""
    scan = ingest.manifests.read_state()
    hours = (now() - scan.began_at).total_seconds() / 3600 if scan else None
    fresh = scan is not None and scan.complete and hours is not None and hours <= FRESH_HOURS
    told: dict[str, Any] = {}
    if scan is not None and hours is not None:
        told = {
            "hours_since_scan": round(hours, 1),
            "scan_came_to_its_end": scan.complete,
            "files_that_wait_to_settle": scan.unsettled,
        }
    return dg.AssetCheckResult(
        passed=fresh,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={**told, **({} if fresh else markdown.to_do(_FIX_FRESH))},
    )


CHECKS = [
    every_discovered_file_is_accounted_for,
    fast_reader_agrees_with_pydicom,
    landing_zone_was_scanned_lately,
    no_partition_is_stuck,
]
