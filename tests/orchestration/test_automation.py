"""Runs that automation requests, and how often it requests them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest

from dicom_pipeline.orchestration import automation as automation_conditions
from dicom_pipeline.orchestration import seeds
from dicom_pipeline.orchestration.checks.pipeline_checks import AUTOMATED_CHECKS, FRESH
from dicom_pipeline.orchestration.jobs import RAW_JOB
from dicom_pipeline.orchestration.partition_range import STUDY_PERIOD, range_tags
from dicom_pipeline.orchestration.pending_partitions import find_pending
from dicom_pipeline.orchestration.seeds import DIGEST_METADATA, seed_digest
from dicom_pipeline.orchestration.stale_assets import outdated_groups
from dicom_pipeline.orchestration.storage.event_batches import cached_partitions
from dicom_pipeline.orchestration.storage.sqlite import BatchingSqliteStorage
from dicom_pipeline.workspace import Workspace
from tests.support.dicom import instance as dicom_file

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

CHECKED = ("devices", "images", "patients", "series", "studies")
RAW = (*CHECKED, "identity_terms", "rejected_files")
# processed/deidentification depends on internal tables only
FIRST = {"internal", "processed", "stage"}
CHECK = "every_discovered_file_is_accounted_for"


class Automation:
    """Ticks of the automation sensor; materializations are reported instead of executed."""

    def __init__(self, defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self.defs = defs
        self.instance = instance
        self.cursor = None

    def tick(self) -> set[str]:
        """Evaluate once, report the requested assets as materialized and return their groups."""
        result = self.evaluate()
        keys = self.defs.resolve_asset_graph().executable_asset_keys
        requested = {key for key in keys if result.get_num_requested(key)}
        for key in self.defs.resolve_asset_graph().toposorted_asset_keys:
            if key in requested:
                self.report(key)
        return {key.path[0] for key in requested}

    def evaluate(self) -> dg.EvaluateAutomationConditionsResult:
        """Evaluate once; the result is the state before the next evaluation."""
        # Dagster reads the partitions thousands of times per evaluation
        with cached_partitions(self.instance):
            result = dg.evaluate_automation_conditions(
                self.defs, instance=self.instance, cursor=self.cursor
            )
        self.cursor = result.cursor
        return result

    def report(self, key: dg.AssetKey, partition: str | None = None) -> None:
        digest = seed_digest(key) if key.path[0] == "internal" else None
        metadata = {DIGEST_METADATA: digest} if digest else {}
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(key, partition=partition, metadata=metadata)
        )

    def raw(self, *periods: str, passed: bool = True) -> None:
        """Report a raw run over partitions."""
        self.instance.add_dynamic_partitions(STUDY_PERIOD, periods)
        for period in periods:
            for table in RAW:
                self.report(dg.AssetKey(["raw", table]), period)
        for table in CHECKED:
            self.instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(
                    asset_key=dg.AssetKey(["raw", table]),
                    check_name=CHECK,
                    passed=passed,
                    blocking=True,
                )
            )


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Temporary instance with the storage of the project."""
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")  # set by the storage
    storage = {
        "custom": {
            "module": BatchingSqliteStorage.__module__,
            "class": BatchingSqliteStorage.__name__,
            "config": {"base_dir": str(tmp_path / "storage")},
        }
    }
    (tmp_path / "instance").mkdir()
    with dg.DagsterInstance.local_temp(
        str(tmp_path / "instance"), overrides={"storage": storage}
    ) as made:
        yield made


@pytest.fixture
def automation(defs: dg.Definitions, instance: dg.DagsterInstance) -> Automation:
    return Automation(defs, instance)


def test_the_scan_freshness_check_runs_on_a_schedule(
    defs: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    fresh = dg.AssetCheckKey(dg.AssetKey(["raw", "images"]), FRESH)
    cursor, requested = None, []
    for hour in (0, 5, 7, 11, 13):  # hours of a day without events
        result = dg.evaluate_automation_conditions(
            defs,
            instance=instance,
            asset_selection=dg.AssetSelection.checks(fresh),
            evaluation_time=datetime(2030, 1, 1, hour, tzinfo=UTC),
            cursor=cursor,
        )
        cursor = result.cursor
        requested.append(result.total_requested)
    assert requested == [0, 1, 1, 0, 1]
    sensor = defs.get_sensor_def("automation_sensor")
    chosen = sensor.asset_selection
    assert fresh in chosen.resolve_checks(defs.resolve_asset_graph())


def requested_checks(automation: Automation) -> set[str]:
    result = dg.evaluate_automation_conditions(
        automation.defs,
        instance=automation.instance,
        asset_selection=dg.AssetSelection.checks(*AUTOMATED_CHECKS),
    )
    return {one.key.to_user_string() for one in result.results if one.true_subset.size}


def test_a_check_whose_run_was_killed_is_requested_again_until_it_has_a_result(
    automation: Automation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert requested_checks(automation) == set()
    table, period = dg.AssetKey(["raw", "images"]), "2011-01"
    key = dg.AssetCheckKey(table, CHECK)
    automation.instance.add_dynamic_partitions(STUDY_PERIOD, [period])
    automation.report(table, period)
    assert requested_checks(automation) == {key.to_user_string()}

    # a failed run is requested again, but not at every tick
    plan_check(automation, key)
    assert requested_checks(automation) == set()
    now = time.time()
    clock(monkeypatch, now + 50)
    assert requested_checks(automation) == set()
    clock(monkeypatch, now + 70)
    assert requested_checks(automation) == {key.to_user_string()}
    plan_check(automation, key)
    assert requested_checks(automation) == set()  # the next attempt is after four minutes

    automation.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(asset_key=table, check_name=CHECK, passed=False, blocking=True)
    )
    clock(monkeypatch, now + 99_999)
    assert requested_checks(automation) == set()  # a failed check needs a person
    automation.report(table, period)
    assert requested_checks(automation) == {key.to_user_string()}


def clock(monkeypatch: pytest.MonkeyPatch, moment: float) -> None:
    """Set the time for the conditions; Dagster's own events keep the true time."""
    monkeypatch.setattr(automation_conditions, "time", SimpleNamespace(time=lambda: moment))


def plan_check(automation: Automation, key: dg.AssetCheckKey) -> None:
    """Report a run of a check that ended without a result."""
    everything = automation.defs.resolve_implicit_global_asset_job_def()
    run = automation.instance.create_run_for_job(
        everything.get_subset(asset_selection=set(), asset_check_selection={key})
    )
    automation.instance.report_run_failed(run)


def fail(automation: Automation, groups: set[str]) -> None:
    """Evaluate once, and report a failed run of what is requested in some groups."""
    result = automation.evaluate()
    graph = automation.defs.resolve_asset_graph()
    keys = {key for key in graph.executable_asset_keys if result.get_num_requested(key)}
    failed = {key for key in keys if key.path[0] in groups}
    assert failed
    for key in graph.toposorted_asset_keys:
        if key in keys - failed:
            automation.report(key)
    everything = automation.defs.resolve_implicit_global_asset_job_def()
    run = automation.instance.create_run_for_job(everything.get_subset(asset_selection=failed))
    automation.instance.report_run_failed(run)


DOWNSTREAM = {"stage", "processed", "published"}
# a batch of raw partitions also requests the summary asset
BATCH = {*DOWNSTREAM, "report"}


def test_missing_internal_tables_are_built_first_and_once(automation: Automation) -> None:
    assert automation.tick() == FIRST
    assert automation.tick() == set()


def test_downstream_is_built_once_for_a_batch_of_partitions(automation: Automation) -> None:
    automation.tick()
    automation.raw("2011-01", "2012-02", "undated")
    assert automation.tick() == BATCH
    assert [automation.tick() for _ in range(3)] == [set()] * 3


def test_downstream_waits_for_the_internal_tables(automation: Automation) -> None:
    automation.raw("2011-01")
    first = automation.tick()
    assert first in ({*FIRST, "report"}, {"internal", *BATCH})
    built = first | automation.tick() | automation.tick()
    assert built == {"internal", *BATCH}
    assert automation.tick() == set()


def test_the_checks_of_a_table_are_requested_with_it(automation: Automation) -> None:
    automation.tick()
    automation.raw("2012-02")
    result = automation.evaluate()
    asked = {one.key for one in result.results if one.true_subset.size}
    keys = automation.defs.resolve_asset_graph().asset_check_keys
    unasked = {key for key in keys if key.asset_key in asked and key not in asked}
    # the check of the published file is part of its step and runs with it
    assert {key.asset_key.path[0] for key in unasked} == {"published"}
    assert dg.AssetKey(["stage", "staged_images"]) in asked


def test_a_late_partition_rebuilds_downstream_when_others_are_unchanged(
    automation: Automation,
) -> None:
    automation.tick()
    automation.raw("2012-02")
    automation.tick()
    automation.raw("2011-01")
    assert automation.tick() == BATCH


def test_a_partition_without_materialization_does_not_block_the_others(
    automation: Automation,
) -> None:
    automation.tick()
    automation.instance.add_dynamic_partitions(STUDY_PERIOD, ["2010-01"])
    automation.raw("2012-02")
    assert automation.tick() == BATCH


def test_a_failed_reconciliation_blocks_downstream(automation: Automation) -> None:
    automation.tick()
    automation.raw("2012-02", passed=False)
    assert automation.tick() == set()


def test_an_update_that_arrives_while_an_earlier_run_ends_is_built(
    automation: Automation,
) -> None:
    automation.tick()
    automation.raw("2012-02")
    automation.evaluate()
    requested = [
        key
        for key in automation.defs.resolve_asset_graph().toposorted_asset_keys
        if key.path[0] in BATCH
    ]
    # between two ticks, the requested run ends and another batch arrives
    for key in requested:
        automation.report(key)
    automation.raw("2013-03")
    assert automation.tick() == BATCH
    assert automation.tick() == set()


def test_a_seed_edited_while_definitions_are_loaded_is_built_with_its_downstream(
    automation: Automation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    automation.tick()
    automation.raw("2012-02")
    automation.tick()
    copy = tmp_path / "seeds"
    shutil.copytree(seeds.SEEDS_DIR, copy)
    monkeypatch.setattr(seeds, "SEEDS_DIR", copy)
    assert automation.tick() == set()
    mapping = copy / "anonymization_mapping.csv"
    mapping.write_text(mapping.read_text().replace("keep_number,keep_number", "remove,remove", 1))
    built = automation.tick() | automation.tick()
    assert built == {"internal", *DOWNSTREAM}
    assert automation.tick() == set()


def launch_raw(automation: Automation, workspace: Workspace) -> dg.ExecuteInProcessResult:
    """Scan, and run the raw job for all partitions as a person does who launches it."""
    workspace.ingest.scan()
    pending = find_pending(workspace.ingest, automation.instance)
    automation.instance.add_dynamic_partitions(STUDY_PERIOD, pending.to_add)
    result = automation.defs.resolve_job_def(RAW_JOB).execute_in_process(
        instance=automation.instance, tags=range_tags(pending.stored, pending.stored)
    )
    assert result.success
    return result


@pytest.mark.check
def test_launching_the_raw_job_for_a_period_that_is_up_to_date_rebuilds_nothing_downstream(
    automation: Automation, workspace: Workspace
) -> None:
    landing = workspace.settings.landing_dir
    (landing / "one.dcm").write_bytes(dicom_file(1, StudyDate="20110105"))
    (landing / "two.dcm").write_bytes(dicom_file(2, StudyDate="20120307"))
    automation.tick()
    launch_raw(automation, workspace)
    assert automation.tick() == BATCH

    for _ in range(2):  # the second run finds the events of the first
        again = launch_raw(automation, workspace)
        # a backfill counts a partition without an event as failed
        events = again.get_asset_materialization_events()
        assert {event.partition for event in events} == {"2011-01", "2012-03"}
        assert outdated_groups(automation.instance) == {}
    assert automation.tick() == set()

    changed = dicom_file(2, StudyDate="20120307", PatientWeight="70")
    (landing / "two.dcm").write_bytes(changed)
    launch_raw(automation, workspace)
    assert outdated_groups(automation.instance) == {"stage": "raw"}
    launch_raw(automation, workspace)  # what is not built yet stays due
    assert automation.tick() == BATCH


def test_internal_tables_that_failed_are_not_requested_again_until_a_run_by_hand(
    automation: Automation,
) -> None:
    fail(automation, FIRST)
    assert [automation.tick() for _ in range(2)] == [set()] * 2
    for key in automation.defs.resolve_asset_graph().executable_asset_keys:
        if key.path[0] == "internal":
            automation.report(key)
    assert automation.tick() == FIRST - {"internal"}


def test_tables_that_failed_are_requested_again_with_the_next_batch(
    automation: Automation,
) -> None:
    automation.tick()
    automation.raw("2012-02")
    fail(automation, DOWNSTREAM)
    assert [automation.tick() for _ in range(2)] == [set()] * 2
    automation.raw("2013-03")
    assert automation.tick() | automation.tick() == BATCH
