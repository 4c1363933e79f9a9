"""Checks of our own beside dbt's tests: what they hold and what to do when they fail.

Belongs here: asset checks. Does not belong here: the counting behind them (extract.accounting).
"""

import dagster as dg

from dicom_pipeline.pipeline import Pipeline

IMAGES = dg.AssetKey(["raw", "images"])


@dg.asset_check(
    asset=IMAGES,
    name="every_discovered_file_is_accounted_for",
    blocking=True,
    description="discovered = loaded + duplicate + rejected + ignored + pending, by a listing of "
    "its own. If it fails: run `dicom-pipeline scan`, then the raw job with force = true.",
)
def every_discovered_file_is_accounted_for(
    pipeline: dg.ResourceParam[Pipeline],
) -> dg.AssetCheckResult:
    """Hold an independent listing of the landing zone against the raw zone."""
    account = pipeline.account()
    return dg.AssetCheckResult(
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


CHECKS = [every_discovered_file_is_accounted_for]
