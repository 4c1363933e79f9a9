"""Status of the pipeline: the published file, what is out of date, failed runs, the next step.

Belongs here: collecting that, and choosing the next step.
Does not belong here: reading Dagster's events (orchestration.build_state), output and exit codes
(cli).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dicom_pipeline.config.settings import OnDelete
from dicom_pipeline.extract.reconciliation import FileCounts
from dicom_pipeline.landing.sample import is_sample
from dicom_pipeline.landing.scan import exceeds_delete_guard
from dicom_pipeline.operations.purge.receipts import receipts_of
from dicom_pipeline.warehouse.duckdb.published_info import PublishedInfo, published_info
from dicom_pipeline.workspace import Workspace

_RUN = "dicom-pipeline run, or toggle file_arrival_sensor and automation_sensor on in the web UI"


@dataclass(frozen=True)
class FailedRun:
    """A run that failed.

    Attributes
    ----------
    run_id, job
        Id of the run, and the name of its job.
    trigger
        What requested the run: ``hand``, ``file_arrival``, ``automation`` or ``command``.
    ended_at
        Time in UTC, ISO 8601; empty if Dagster has not recorded it.
    steps, checks
        Failed steps, and failed checks of severity ERROR with their assets.
    lines
        Messages of user errors, one line each; other errors may quote values.
    """

    run_id: str
    job: str
    trigger: str
    ended_at: str
    steps: tuple[str, ...]
    checks: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class BuildState:
    """What Dagster has recorded about the builds.

    Attributes
    ----------
    failed
        Failed runs that no later run has superseded, the latest first.
    pending_partitions
        Number of raw partitions that a run would load.
    changed_seeds
        Seeds whose file or profile has changed since their table was built.
    outdated_groups
        Asset groups that are older than one of their upstream groups, with that group.
    problems
        Failing sensors, and a landing zone without new files, one line each.
    stopped
        Sensors that somebody has stopped, one line each; commands may do their work.
    alerts
        Whether alerts are sent, and if not, why.
    """

    failed: Sequence[FailedRun]
    pending_partitions: int
    changed_seeds: Sequence[str]
    outdated_groups: Mapping[str, str]
    problems: Sequence[str]
    stopped: Sequence[str]
    alerts: str


@dataclass(frozen=True)
class Status:
    """Status of the pipeline.

    Attributes
    ----------
    published
        The published file; None if there is none.
    stale
        What is out of date, one line each.
    failed
        Failed runs that no later run has superseded, the latest first.
    problems, stopped, alerts
        As in `BuildState`.
    next_step
        What to do next; None if there is nothing to do.
    """

    published: PublishedInfo | None
    stale: Sequence[str]
    failed: Sequence[FailedRun]
    problems: Sequence[str]
    stopped: Sequence[str]
    alerts: str
    next_step: str | None


def status(workspace: Workspace, counts: FileCounts, build: BuildState) -> Status:
    """Determine the status.

    Parameters
    ----------
    workspace
        The services.
    counts
        Outcomes of the files of the landing zone.
    build
        What Dagster has recorded.
    """
    published = published_info(workspace.settings.database)
    stale = _other_landing(workspace)
    if build.pending_partitions:
        stale.append(
            f"{build.pending_partitions} raw partitions: files were added, changed or deleted, "
            "or the extractor or the mapping has changed since they were read"
        )
    if build.changed_seeds:
        stale.append(
            f"{', '.join(build.changed_seeds)}: the seed or the profile has changed since the build"
        )
    stale += [f"{group}: {newer} is newer" for group, newer in build.outdated_groups.items()]
    profile = workspace.settings.profile
    if published is not None and published.profile not in ("", profile):
        stale.append(f"published: with profile {published.profile}, not {profile}")
    next_step = _next_step(workspace, counts, published, stale, build.failed)
    if next_step is None and build.problems:
        next_step = "fix the problem; the web UI shows the ticks of sensors under Automation"
    return Status(
        published, stale, build.failed, build.problems, build.stopped, build.alerts, next_step
    )


def _next_step(
    workspace: Workspace,
    counts: FileCounts,
    published: PublishedInfo | None,
    stale: Sequence[str],
    failed: Sequence[FailedRun],
) -> str | None:
    if receipts_of(workspace).unfinished():
        return "dicom-pipeline purge: an earlier purge was interrupted"
    keeps = workspace.settings.on_delete is OnDelete.KEEP
    if not keeps and _is_guarded(workspace, counts):
        return (
            f"if {counts.missing} files were deleted on purpose: dicom-pipeline scan "
            "--accept-deletions, then dicom-pipeline run; otherwise mount the disk or set "
            "DICOM_LANDING_URI to its previous value"
        )
    if counts.lost or counts.duplicate_rows:
        return "dicom-pipeline run --force, and report it with the log: this is a bug"
    if failed:
        first = failed[0]
        look = f"see run {first.run_id[:8]} under Runs in `dagster dev`"
        fix = "fix what the run reports" if first.lines else look
        return f"{fix}; then {_RUN}"
    to_do = counts.pending or counts.stale_partitions or (counts.missing and not keeps)
    if to_do or stale or (published is None and counts.loaded):
        return _RUN
    return None


def _is_guarded(workspace: Workspace, counts: FileCounts) -> bool:
    """Return whether the next scan will stop because too many files are missing."""
    if not counts.missing:
        return False
    manifests = workspace.ingest.manifests
    known = [file for period in manifests.periods() for file in manifests.files(period)[0]]
    guarded = exceeds_delete_guard(
        counts.missing, len(known), workspace.settings.max_deleted_fraction
    )
    return (guarded or not counts.discovered) and not is_sample(known)


def _other_landing(workspace: Workspace) -> list[str]:
    state = workspace.ingest.manifests.read_state()
    if state is None or not state.is_other_landing(str(workspace.settings.landing)):
        return []
    return [f"all tables: built from {state.landing}, but DICOM_LANDING_URI is another location"]
