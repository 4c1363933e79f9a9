"""Failed runs on a real instance: reported failures, and stale groups by Dagster's events."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.api import create_execution_plan
from dagster._core.snap import snapshot_from_execution_plan

from dicom_pipeline.common.disk_errors import DiskError
from dicom_pipeline.common.errors import StorageUnavailable, UserError
from dicom_pipeline.landing.scan import ScanRefused
from dicom_pipeline.mapping.attribute_mapping import MappingError
from dicom_pipeline.orchestration.failures import open_failures, user_errors_as_failures
from dicom_pipeline.orchestration.jobs import ALL_JOB, RAW_JOB
from dicom_pipeline.orchestration.stale_assets import outdated_groups
from dicom_pipeline.warehouse.duckdb.publish import PublishRefused

NAME = "Undercover^Quentin"
ERRORS: dict[str, UserError] = {
    "mapping": MappingError("line 3: unknown function"),
    "leak": PublishRefused("the leak check found: stage.staged_studies.study_id"),
    "storage": StorageUnavailable("the landing zone cannot be reached"),
    "disk": DiskError("the disk is full"),
}


@dg.asset(
    key=["raw", "tables"],
    config_schema={"fails": dg.Field(str, default_value="")},
    check_specs=[dg.AssetCheckSpec("adds_up", asset=["raw", "tables"])],
)
def tables(context: dg.AssetExecutionContext) -> Iterator[object]:
    """Fail as the run configuration specifies."""
    fails = context.op_execution_context.op_config["fails"]
    yield dg.AssetCheckResult(passed=not fails)
    if fails == "ours":
        with user_errors_as_failures(context):
            raise ScanRefused("the landing zone cannot be listed")
    if fails in ERRORS:
        with user_errors_as_failures(context):
            raise ERRORS[fails]
    if fails == "theirs":
        raise ValueError(f"cannot read {NAME}")
    yield dg.MaterializeResult[None]()


DEFS = dg.Definitions(
    assets=[tables],
    jobs=[
        dg.define_asset_job(name, selection=[tables], tags={"trigger": "command"})
        for name in (RAW_JOB, ALL_JOB)
    ],
)

TABLE = dg.AssetKey(["raw", "images"])
CHECK = dg.AssetCheckKey(TABLE, "was_scanned")


@dg.asset(key=TABLE)
def images() -> None:
    """Build nothing."""


@dg.asset_check(asset=TABLE)
def was_scanned() -> dg.AssetCheckResult:
    """Check nothing."""
    return dg.AssetCheckResult(passed=True)


# parameters of `create_run` that an automatic run does not have
UNUSED = (
    "run_id", "run_config", "tags", "root_run_id", "parent_run_id", "step_keys_to_execute",
    "resolved_op_selection", "op_selection", "remote_job_origin", "job_code_origin",
)  # fmt: skip
AUTOMATIC = dg.Definitions(assets=[images], asset_checks=[was_scanned])


def run(instance: dg.DagsterInstance, job: str, fails: str = "") -> None:
    result = DEFS.resolve_job_def(job).execute_in_process(
        instance=instance,
        raise_on_error=False,
        run_config={"ops": {"raw__tables": {"config": {"fails": fails}}}},
    )
    assert result.success is (not fails)


def test_a_failed_run_is_reported_with_steps_checks_and_the_user_error(
    instance: dg.DagsterInstance,
) -> None:
    run(instance, RAW_JOB, "ours")
    [failed] = open_failures(instance)
    assert (failed.job, failed.trigger, failed.steps) == (RAW_JOB, "command", ("raw/tables",))
    assert failed.checks == ("raw/tables: adds_up",)
    assert failed.lines == ("the landing zone cannot be listed",)
    assert failed.ended_at


def test_errors_of_libraries_are_not_quoted(instance: dg.DagsterInstance) -> None:
    run(instance, RAW_JOB, "theirs")
    [failed] = open_failures(instance)
    assert not failed.lines
    assert "Quentin" not in str(failed)


@pytest.mark.parametrize("later", [RAW_JOB, ALL_JOB])
def test_a_later_success_resolves_a_failure(instance: dg.DagsterInstance, later: str) -> None:
    run(instance, RAW_JOB, "ours")
    run(instance, later)
    assert not open_failures(instance)


def test_only_the_latest_failure_of_a_job_is_reported(
    instance: dg.DagsterInstance,
) -> None:
    run(instance, ALL_JOB)
    run(instance, ALL_JOB, "ours")
    run(instance, ALL_JOB, "theirs")
    run(instance, RAW_JOB)  # does not include the work of the other job
    [failed] = open_failures(instance)
    assert (failed.job, failed.lines) == (ALL_JOB, ())


def test_an_automatic_run_supersedes_another_one_only_if_it_built_the_same(
    instance: dg.DagsterInstance,
) -> None:
    def automatic(*assets: dg.AssetKey, fails: bool) -> None:
        checks = set() if assets else {CHECK}
        job = AUTOMATIC.resolve_implicit_global_asset_job_def().get_subset(
            asset_selection=set(assets), asset_check_selection=checks
        )
        snapshot = job.get_job_snapshot()
        plan = snapshot_from_execution_plan(create_execution_plan(job), snapshot.snapshot_id)
        unused: dict[str, Any] = dict.fromkeys(UNUSED)
        run = instance.create_run(
            job_name=job.name,
            status=None if fails else dg.DagsterRunStatus.SUCCESS,
            execution_plan_snapshot=plan,
            job_snapshot=snapshot,
            parent_job_snapshot=job.get_parent_job_snapshot(),
            asset_selection=frozenset(assets),
            asset_check_selection=frozenset(checks),
            asset_graph=job.asset_layer.asset_graph,
            **unused,
        )
        if fails:
            instance.report_run_failed(run)

    automatic(TABLE, fails=True)
    automatic(fails=False)
    [failed] = open_failures(instance)
    assert failed.job == "the automatic run"
    instance.report_runless_asset_event(dg.AssetMaterialization(TABLE))
    assert not open_failures(instance)
    automatic(fails=True)
    assert len(open_failures(instance)) == 1
    automatic(TABLE, fails=False)
    assert len(open_failures(instance)) == 1
    automatic(fails=False)
    assert not open_failures(instance)


def test_a_user_error_is_stored_without_a_traceback_and_another_error_with_it(
    instance: dg.DagsterInstance,
) -> None:
    texts = {}
    for fails in ("ours", "theirs"):
        run(instance, RAW_JOB, fails)
        [failed] = instance.get_runs(limit=1)
        [failure] = instance.all_logs(failed.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        assert failure.dagster_event is not None
        error = failure.dagster_event.step_failure_data.error
        assert error is not None
        texts[fails] = error.to_string()
    assert texts["ours"] == "the landing zone cannot be listed\n"
    assert "Stack Trace" in texts["theirs"]


def test_a_group_that_is_older_than_its_sources_is_outdated(
    instance: dg.DagsterInstance,
) -> None:
    assert outdated_groups(instance) == {}
    for group in ("internal", "raw", "stage", "processed", "published"):
        instance.report_runless_asset_event(dg.AssetMaterialization([group, "images"]))
    assert outdated_groups(instance) == {}
    instance.report_runless_asset_event(dg.AssetMaterialization(["raw", "images"]))
    assert outdated_groups(instance) == {"stage": "raw"}
    instance.report_runless_asset_event(dg.AssetMaterialization(["stage", "images"]))
    assert outdated_groups(instance) == {"processed": "stage"}
    instance.report_runless_asset_event(dg.AssetMaterialization(["internal", "seed"]))
    assert outdated_groups(instance) == {"stage": "internal", "processed": "stage"}


@pytest.mark.parametrize(
    ("error", "is_retried"),
    [("mapping", False), ("leak", False), ("storage", True), ("disk", True), ("theirs", True)],
)
def test_dagster_retries_a_run_unless_only_a_person_can_fix_its_error(
    tmp_path: Path, error: str, is_retried: bool
) -> None:
    settings = {"run_retries": {"enabled": True, "max_retries": 2}}
    with dg.DagsterInstance.local_temp(str(tmp_path), settings) as instance:
        run(instance, RAW_JOB, error)
        [failed] = instance.get_runs()
        assert failed.tags["dagster/will_retry"] == str(is_retried).lower()
