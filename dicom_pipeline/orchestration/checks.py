"""Checks of our own beside dbt's tests: what they hold and what to do when they fail.

Belongs here: asset checks. Does not belong here: the counting behind them (extract.accounting).
"""

from collections.abc import Iterator

import dagster as dg

from dicom_pipeline.attributes import ENTITIES
from dicom_pipeline.extract.witness import AGREED, DIFFERED, readers
from dicom_pipeline.pipeline import Pipeline

IMAGES = dg.AssetKey(["raw", "images"])
READERS_AGREE = "fast_reader_agrees_with_pydicom"
NOT_STUCK = "no_partition_is_stuck"
ACCOUNTED_FOR = "every_discovered_file_is_accounted_for"


# one check on each table, so that it gates every table downstream
@dg.multi_asset_check(
    name=ACCOUNTED_FOR,
    specs=[
        dg.AssetCheckSpec(
            ACCOUNTED_FOR,
            asset=dg.AssetKey(["raw", table]),
            blocking=True,
            description="discovered = loaded + duplicate + rejected + ignored + pending, by a "
            "listing of its own. If it fails: run `dicom-pipeline scan`, then the raw job with "
            "force = true.",
        )
        for table in ENTITIES
    ],
    can_subset=True,
)
def every_discovered_file_is_accounted_for(
    context: dg.AssetCheckExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[dg.AssetCheckResult]:
    """Hold an independent listing of the landing zone against the raw zone.

    Of a bucket with a queue, only when a listing is due; else what the manifests have.
    """
    account = pipeline.account(listed=False)
    for key in sorted(context.selected_asset_check_keys):
        yield dg.AssetCheckResult(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=account.balanced,
            metadata={
                "discovered": account.discovered,
                "loaded": account.loaded,
                "duplicate": account.duplicate,
                "rejected": account.rejected.total(),
                "ignored": account.ignored.total(),
                "pending": account.pending,
                "lost": account.lost,
                "counted_twice": account.double,
            },
        )


def stuck(partitions: int, run_ids: list[str]) -> dg.AssetCheckEvaluation:
    """Result that the sensor reports when runs for the same partitions fail again and again."""
    return dg.AssetCheckEvaluation(
        asset_key=IMAGES,
        check_name=NOT_STUCK,
        passed=False,
        metadata={"pending_partitions": partitions, "failed_runs": ", ".join(run_ids)},
    )


@dg.asset_check(
    asset=IMAGES,
    name=NOT_STUCK,
    description="Every partition of the landing zone has been written as its manifest has it. If "
    "it fails: read the errors of the failed runs, mend what they say, launch the raw job.",
)
def no_partition_is_stuck(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    """Hold the versions of the parquet against those of the manifests."""
    partitions = pipeline.partitions
    wanted = partitions.wanted_versions()
    pending = sum(partitions.raw.version(key) != version for key, version in wanted.items())
    return dg.AssetCheckResult(passed=not pending, metadata={"pending_partitions": pending})


@dg.asset_check(
    asset=IMAGES,
    name=READERS_AGREE,
    description="One file in a thousand is read by pydicom as well; its values are those of the "
    "fast reader. If it fails: set DICOM_READER=pydicom, force the raw job, and report it.",
)
def fast_reader_agrees_with_pydicom(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    """Count the files whose header the two readers read differently."""
    raw = pipeline.partitions.raw
    found = readers(raw, raw.periods())
    return dg.AssetCheckResult(
        passed=not found[DIFFERED],
        metadata={"compared": found[AGREED] + found[DIFFERED], "differed": found[DIFFERED]}
        | {f"files read by {name}": count for name, count in sorted(found.items())},
    )


CHECKS = [
    every_discovered_file_is_accounted_for,
    fast_reader_agrees_with_pydicom,
    no_partition_is_stuck,
]
