"""The jobs: names, asset selections and tags.

Belongs here: selections and tags of runs. Does not belong here: the assets.
"""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition,
)

from dicom_pipeline.config.settings import Settings

RAW_JOB = "materialize_raw_assets_job"
ALL_JOB = "materialize_all_assets_job"
# not part of a job, because drawing takes long
REPORT = dg.AssetKey(["report", "html"])
TRIGGER_TAG = "trigger"

_GROUPS = {
    "materialize_internal_assets_job": ("internal", "Load the seeds and create the vault."),
    RAW_JOB: ("raw", "Read the headers of the selected partitions and write the raw tables."),
    "materialize_stage_assets_job": ("stage", "Build typed, de-identified rows by partition."),
    "materialize_processed_assets_job": (
        "processed",
        "Build one row per patient, study, series and image.",
    ),
}


def run_tags(settings: Settings, trigger: str = "hand") -> dict[str, str]:
    """Return tags by which runs can be filtered.

    Parameters
    ----------
    settings
        Profile, target and extractor.
    trigger
        What requested the run: ``hand`` (the web UI), ``file_arrival``, ``automation`` or
        ``command``.
    """
    return {
        "profile": str(settings.profile),
        "target": str(settings.target),
        "extractor": str(settings.extractor),
        TRIGGER_TAG: trigger,
    }


def build_jobs(settings: Settings) -> list[UnresolvedAssetJobDefinition]:
    """Return all jobs."""
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
            description="Build everything, from files to the published database; the command "
            "`dicom-pipeline run` launches this job.",
            tags=tags,
        )
    )
    return jobs
