"""Where the pipeline stands: files, what is published, what is stale, what failed, what to do.

Belongs here: collecting that from the zones and from Dagster, and choosing the next step.
Does not belong here: how it looks on a terminal (summary), exit codes (cli).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dicom_pipeline.config.settings import OnDelete
from dicom_pipeline.extract.reconciliation import FileCounts
from dicom_pipeline.landing.sample import is_sample
from dicom_pipeline.landing.scan import exceeds_delete_guard
from dicom_pipeline.operations.purge.procedure import receipts_of
from dicom_pipeline.orchestration.failures import FailedRun, open_failures
from dicom_pipeline.orchestration.instance import fail_dead_runs, open_instance
from dicom_pipeline.orchestration.pending import find_pending
from dicom_pipeline.orchestration.stale import changed_seeds, outdated_groups
from dicom_pipeline.warehouse.duckdb.published_info import Publication, publication
from dicom_pipeline.workspace import Pipeline

_RUN = "dicom-pipeline run, or toggle file_arrival_sensor and automation_sensor on in the web UI"


@dataclass(frozen=True)
class Status:
    """Where the pipeline stands.

    Attributes
    ----------
    published
        The published file; None where there is none.
    stale
        What is not as its sources are, a line each.
    failed
        Runs that failed, and whose work was not done since.
    next_step
        What to do; None where nothing is to be done.
    """

    published: Publication | None
    stale: Sequence[str]
    failed: Sequence[FailedRun]
    next_step: str | None


def status(pipeline: Pipeline, counts: FileCounts) -> Status:
    """Find out where the pipeline stands.

    Parameters
    ----------
    pipeline
        The settings and zones.
    account
        What became of the files.

    Raises
    ------
    StorageUnavailable
        Dagster's storage cannot be reached.
    """
    published = publication(pipeline.settings.database)
    with open_instance(pipeline.settings) as instance:
        fail_dead_runs(instance)
        failed = open_failures(instance)
        stale = _other_landing(pipeline)
        if waiting := len(find_pending(pipeline, instance).versions):
            stale.append(f"{waiting} partitions of raw: files came, changed or went, or their rows "
                         "are of an older version of the extractor or of the mapping")  # fmt: skip
        if seeds := changed_seeds(instance):
            stale.append(f"{', '.join(seeds)}: the seed or the profile is another one than built")
        stale += [
            f"{group}: {younger} is younger" for group, younger in outdated_groups(instance).items()
        ]
    profile = pipeline.settings.profile
    if published is not None and published.profile not in ("", profile):
        stale.append(f"published: with profile {published.profile}, not {profile}")
    return Status(published, stale, failed, _next_step(pipeline, counts, published, stale, failed))


def _next_step(
    pipeline: Pipeline,
    counts: FileCounts,
    published: Publication | None,
    stale: Sequence[str],
    failed: Sequence[FailedRun],
) -> str | None:
    if receipts_of(pipeline).unfinished():
        return "dicom-pipeline purge: one was cut off"
    keeps = pipeline.settings.on_delete is OnDelete.KEEP
    if not keeps and _guarded(pipeline, counts):
        return (
            f"if it is right that {counts.missing} files are gone: dicom-pipeline scan "
            "--accept-deletions, then dicom-pipeline run; else mount the disk or set "
            "DICOM_LANDING_URI to what it was"
        )
    if counts.lost or counts.duplicate_rows:
        return "dicom-pipeline run --force, and keep the log: this should not happen"
    if failed:
        first = failed[0]
        look = "mend what it says" if first.lines else f"`dagster dev`, Runs, {first.run_id[:8]}"
        return f"{look}; then {_RUN}"
    to_do = counts.pending or counts.stale_partitions or (counts.missing and not keeps)
    if to_do or stale or (published is None and counts.loaded):
        return _RUN
    return None


def _guarded(pipeline: Pipeline, counts: FileCounts) -> bool:
    """Whether the next scan will refuse to take the files that are gone for deleted ones."""
    if not counts.missing:
        return False
    manifests = pipeline.manifests
    known = [file for period in manifests.periods() for file in manifests.files(period)[0]]
    guarded = exceeds_delete_guard(
        counts.missing, len(known), pipeline.settings.max_deleted_fraction
    )
    return (guarded or not counts.discovered) and not is_sample(known)


def _other_landing(pipeline: Pipeline) -> list[str]:
    state = pipeline.manifests.read_state()
    if state is None or not state.is_other_landing(str(pipeline.settings.landing)):
        return []
    return [f"all tables: they were made from {state.landing}, and DICOM_LANDING_URI names another"]
