"""Checks of our own beside dbt's tests: what they hold and what to do when they fail.

Belongs here: asset checks. Does not belong here: the counting behind them (extract.accounting).
"""

from collections.abc import Iterator

import dagster as dg

from dicom_pipeline.attributes import ENTITIES
from dicom_pipeline.pipeline import Pipeline

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
    """Hold an independent listing of the landing zone against the raw zone."""
    account = pipeline.account()
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


CHECKS = [every_discovered_file_is_accounted_for]
