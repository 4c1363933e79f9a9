"""Dagster's instance as commands use it: the one that ``dagster dev`` shows.

Belongs here: finding the instance, and telling Dagster of runs whose process is gone.
Does not belong here: launching runs.
"""

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from dicom_pipeline.pipeline import Pipeline
from dicom_pipeline.settings import PROJECT_ROOT, Settings

PROCESS_TAG = "dicom_pipeline/process"
_ALIVE_CLAIM = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance in ``DAGSTER_HOME``, or the project's own, which ``dagster dev`` finds too."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    if settings.own_dagster_home:
        return dg.DagsterInstance.from_ref(
            InstanceRef.from_dir(str(home), config_dir=str(PROJECT_ROOT), overrides=_absolute(home))
        )
    if not (home / "dagster.yaml").exists():  # else telemetry would be on
        shutil.copy(PROJECT_ROOT / "resources" / "dagster_home.yaml", home / "dagster.yaml")
    return dg.DagsterInstance.from_config(str(home))


def _absolute(home: Path) -> dict[str, object]:
    """dagster.yaml names its directories relative to where ``dagster dev`` is started."""
    return {
        "storage": {
            "custom": {
                "module": "dicom_pipeline.orchestration.event_storage",
                "class": "BatchingSqliteStorage",
                "config": {"base_dir": str(home / "storage")},
            }
        },
        "local_artifact_storage": {
            "module": "dagster._core.storage.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": str(home)},
        },
        "compute_logs": {
            "module": "dagster._core.storage.local_compute_log_manager",
            "class": "LocalComputeLogManager",
            "config": {"base_dir": str(home / "storage")},
        },
    }


def _identity(pid: int) -> str | None:
    """Host, process id and start time: a process id alone is used again. None if it is gone."""
    try:
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        if Path("/proc").is_dir():
            return None
        try:  # no /proc on this system: the id must do
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        started = "unknown"
    return f"{platform.node()}:{pid}:{started}"


@contextmanager
def writing(context: dg.AssetExecutionContext, pipeline: Pipeline) -> Iterator[None]:
    """Hold the writer lock in a step, and note which process the run lives in."""
    identity = _identity(os.getpid())
    assert identity is not None
    context.instance.add_run_tags(context.run.run_id, {PROCESS_TAG: identity})
    with pipeline.lock(waiting=context.log.info):
        yield


def fail_dead_runs(instance: dg.DagsterInstance) -> int:
    """Mark runs as failed whose process on this host is gone, as after ``kill -9``.

    Otherwise they would count as under way for ever, and hold back all that waits for them.
    """
    failed = 0
    for run in instance.get_runs(dg.RunsFilter(statuses=_ALIVE_CLAIM)):
        host, _, rest = run.tags.get(PROCESS_TAG, "").partition(":")
        pid = rest.partition(":")[0]
        if host != platform.node() or not pid.isdecimal():
            continue
        if _identity(int(pid)) != run.tags[PROCESS_TAG]:
            instance.report_run_failed(run, "the run's process ended without a word")
            failed += 1
    return failed
