"""Old runs are deleted, and runs that hold the current state are retained."""

import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

from dicom_pipeline.orchestration.pending_partitions import known_versions
from dicom_pipeline.orchestration.storage.retention import delete_old_evaluations, delete_old_runs
from tests.orchestration.test_event_storage import instance as instance_in

PERIODS = dg.DynamicPartitionsDefinition(name="period")
AT_ONCE = 1e-6  # a tenth of a second, in days


@dg.asset(key=["raw", "images"], partitions_def=PERIODS, config_schema={"version": str})
def images(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    context.log.info("a log of its own")
    return dg.MaterializeResult[None](
        metadata={"version": context.op_execution_context.op_config["version"]}
    )


@dg.asset(
    key=["stage", "images"], check_specs=[dg.AssetCheckSpec("holds", asset=["stage", "images"])]
)
def staged() -> Iterator[object]:
    yield dg.MaterializeResult[None]()
    yield dg.AssetCheckResult(passed=True)


@pytest.fixture
def project_instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Instance with the storage of the project."""
    with instance_in(tmp_path / "home", batching=True) as made:
        made.add_dynamic_partitions("period", ["2010-01", "2010-02"])
        yield made


def load(instance: dg.DagsterInstance, period: str, version: str) -> str:
    config = {"ops": {"raw__images": {"config": {"version": version}}}}
    return dg.materialize(
        [images], instance=instance, partition_key=period, run_config=config
    ).run_id


def build(instance: dg.DagsterInstance) -> str:
    return dg.materialize([staged], instance=instance).run_id


def runs(instance: dg.DagsterInstance) -> set[str]:
    return set(instance.get_run_ids())


def test_runs_of_the_current_state_are_retained_and_others_deleted_with_their_files(
    project_instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    first = load(project_instance, "2010-01", "a")
    present = {load(project_instance, "2010-02", "b")}
    old = {first, load(project_instance, "2010-01", "c"), build(project_instance)}
    present |= {load(project_instance, "2010-01", "d"), build(project_instance)}
    # of the run of the latest build, only the check result is still current
    project_instance.report_runless_asset_event(dg.AssetMaterialization(["stage", "images"]))
    before = known_versions(project_instance, ["2010-01", "2010-02"])
    assert before == {"2010-01": "d", "2010-02": "b"}
    time.sleep(0.3)

    assert delete_old_runs(project_instance, AT_ONCE) == len(old)
    assert runs(project_instance) == present
    assert known_versions(project_instance, ["2010-01", "2010-02"]) == before
    [check] = project_instance.event_log_storage.get_latest_asset_check_execution_by_key(
        [dg.AssetCheckKey(dg.AssetKey(["stage", "images"]), "holds")]
    ).values()
    assert check.run_id in present
    left = [str(path) for path in (tmp_path / "home").rglob("*") for run in old if run in str(path)]
    assert not left
    assert delete_old_runs(project_instance, AT_ONCE) == 0


def test_old_sensor_evaluations_and_tick_logs_are_deleted_and_run_logs_retained(
    project_instance: dg.DagsterInstance,
) -> None:
    waiting = dg.AssetSpec("x", automation_condition=dg.AutomationCondition.missing())
    result = dg.evaluate_automation_conditions(
        dg.Definitions(assets=[waiting]), instance=project_instance
    )
    traces = [found.serializable_evaluation.with_run_ids(set()) for found in result.results]
    storage, logs = project_instance.schedule_storage, project_instance.compute_log_manager
    assert storage is not None
    assert isinstance(logs, LocalComputeLogManager)
    storage.add_auto_materialize_asset_evaluations(1, traces)
    keys = (["repository", "some_sensor", "7"], ["a-run", "compute_logs", "abcdefgh"])
    of_tick, of_run = (Path(logs.get_captured_local_path(key, "err")) for key in keys)
    for path in (of_tick, of_run):
        path.parent.mkdir(parents=True)
        path.write_text("words")
    time.sleep(1.2)  # evaluation times have a resolution of one second

    for days in (0, 1):
        delete_old_evaluations(project_instance, days)
        assert len(storage.get_auto_materialize_evaluations_for_evaluation_id(1)) == 1
        assert of_tick.exists()
    delete_old_evaluations(project_instance, AT_ONCE)
    assert not storage.get_auto_materialize_evaluations_for_evaluation_id(1)
    assert not of_tick.exists()
    assert of_run.exists()


def test_recent_runs_and_runs_in_progress_are_retained(
    project_instance: dg.DagsterInstance,
) -> None:
    done = {load(project_instance, "2010-01", version) for version in "abc"}
    job = dg.Definitions(assets=[staged], jobs=[dg.define_asset_job("job", "*")])
    waiting = project_instance.create_run_for_job(job.resolve_job_def("job")).run_id
    assert delete_old_runs(project_instance, 1) == 0
    assert delete_old_runs(project_instance, 0) == 0
    assert runs(project_instance) == {*done, waiting}
    time.sleep(0.3)
    assert delete_old_runs(project_instance, AT_ONCE, seconds=0) == 1
    assert delete_old_runs(project_instance, AT_ONCE) == 1
    assert waiting in runs(project_instance)
