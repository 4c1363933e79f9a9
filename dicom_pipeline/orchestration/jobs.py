"""The jobs, by the names people launch them by.

Belongs here: selections. Does not belong here: anything that runs.
"""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition,
)

from dicom_pipeline.config.settings import Settings

RAW_JOB = "materialize_raw_assets_job"
ALL_JOB = "materialize_all_assets_job"
# made when somebody wants it: drawing takes longer than most runs should
REPORT = dg.AssetKey(["report", "html"])
TRIGGER_TAG = "trigger"

_GROUPS = {
    "materialize_internal_assets_job": ("internal", "Seeds and vault: what the others need."),
    RAW_JOB: ("raw", "Read the headers of the chosen partitions and write the raw tables."),
    "materialize_stage_assets_job": ("stage", "Typed, de-identified rows by partition."),
    "materialize_processed_assets_job": ("processed", "One row a patient, study, series, image."),
}


def run_tags(settings: Settings, trigger: str = "hand") -> dict[str, str]:
    """Tags that runs can be filtered by.

    Parameters
    ----------
    settings
        Profile, target and extractor.
    trigger
        Who asked for the run: ``hand`` (the web UI), ``file_arrival``, ``automation``, ``command``.
    """
    return {
        "profile": str(settings.profile),
        "target": str(settings.target),
        "extractor": str(settings.extractor),
        TRIGGER_TAG: trigger,
    }


def build_jobs(settings: Settings) -> list[UnresolvedAssetJobDefinition]:
    """All jobs."""
    tags = run_tags(settings)
    jobs = [
        dg.define_asset_job(
            name, selection=dg.AssetSelection.groups(group), description=text, tags=tags
        )
        for name, (group, text) in _GROUPS.items()
    ]
    jobs.append(
        dg.define_asset_job(
            ALL_JOB,
            selection=dg.AssetSelection.all() - dg.AssetSelection.assets(REPORT),
            description="Everything, from files to the published database; what a headless run is.",
            tags=tags,
        )
    )
    return jobs
