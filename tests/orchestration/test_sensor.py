"""Ticks of the file arrival sensor on real files and a real instance."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import dagster as dg
import pydicom
import pytest

from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.orchestration import instance
from dicom_pipeline.orchestration.jobs import RAW_JOB
from dicom_pipeline.orchestration.partition_range import RANGE_END, RANGE_START, STUDY_PERIOD
from dicom_pipeline.orchestration.sensors.file_arrival import file_arrival_sensor
from dicom_pipeline.warehouse.warehouse import Warehouse
from dicom_pipeline.workspace import Workspace

SAMPLE = Path(pydicom.__file__).parent / "data" / "test_files"


class Sensor:
    """Ticks of the sensor, and runs of its requests."""

    def __init__(
        self, workspace: Workspace, defs: dg.Definitions, instance: dg.DagsterInstance
    ) -> None:
        self.workspace = workspace
        self.defs = defs
        self.instance = instance
        self.cursor: str | None = None

    def tick(self) -> dg.SensorResult | dg.SkipReason:
        """Evaluate one tick and apply its partition requests, as the daemon does."""
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            resources={
                "ingest": self.workspace.ingest,
                "write_session": WriteSession(self.workspace),
            },
            definitions=self.defs,
        ) as context:
            result = file_arrival_sensor(context)
        assert isinstance(result, dg.SensorResult | dg.SkipReason)
        if isinstance(result, dg.SensorResult):
            self.cursor = result.cursor
            for request in result.dynamic_partitions_requests or []:
                if isinstance(request, dg.AddDynamicPartitionsRequest):
                    self.instance.add_dynamic_partitions(STUDY_PERIOD, request.partition_keys)
                else:
                    for key in request.partition_keys:
                        self.instance.delete_dynamic_partition(STUDY_PERIOD, key)
        return result

    def requests(self) -> list[dg.RunRequest]:
        """Return the run requests of a tick."""
        result = self.tick()
        assert isinstance(result, dg.SensorResult)
        return list(result.run_requests or [])

    def run(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Execute a run request."""
        return self.defs.resolve_job_def(RAW_JOB).execute_in_process(
            instance=self.instance, tags=dict(request.tags), raise_on_error=False
        )

    def put(self, *names: str) -> None:
        for name in names:
            shutil.copy(SAMPLE / name, self.workspace.settings.landing_dir)


@pytest.fixture
def sensor(workspace: Workspace, defs: dg.Definitions, instance: dg.DagsterInstance) -> Sensor:
    return Sensor(workspace, defs, instance)


def test_the_sensor_is_off_by_default() -> None:
    assert file_arrival_sensor.default_status is dg.DefaultSensorStatus.STOPPED


def test_an_empty_landing_zone_requests_no_run(sensor: Sensor) -> None:
    assert sensor.requests() == []


def test_all_pending_partitions_are_requested_as_one_range(sensor: Sensor) -> None:
    sensor.put("CT_small.dcm", "MR_small.dcm", "rtdose_1frame.dcm", "README.txt")
    [request] = sensor.requests()
    stored = sensor.instance.get_dynamic_partitions(STUDY_PERIOD)
    assert list(stored) == sorted(stored)
    assert request.tags[RANGE_START] == stored[0]
    assert request.tags[RANGE_END] == stored[-1] == "undated"
    assert request.tags["dicom_pipeline/partitions"] == str(len(stored))
    assert sensor.run(request).success
    assert sensor.requests() == []


def test_an_earlier_partition_that_arrives_later_does_not_reload_others(sensor: Sensor) -> None:
    sensor.put("CT_small.dcm")  # 2004-01
    sensor.run(sensor.requests()[0])
    sensor.put("liver_1frame.dcm")  # 2003-04, added after it
    [request] = sensor.requests()
    assert list(sensor.instance.get_dynamic_partitions(STUDY_PERIOD)) == ["2004-01", "2003-04"]
    assert request.tags[RANGE_START] == request.tags[RANGE_END] == "2003-04"


def test_a_repeated_request_has_the_same_run_key_until_a_run_fails(
    sensor: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor.put("CT_small.dcm")
    [first] = sensor.requests()
    [again] = sensor.requests()
    assert first.run_key == again.run_key

    keys = {first.run_key}
    for _ in range(3):
        with monkeypatch.context() as broken:
            broken.setattr(Warehouse, "prepare", lambda self: 1 / 0)
            assert not sensor.run(again).success
        requests = sensor.requests()
        if not requests:
            break
        [again] = requests
        keys.add(again.run_key)
    assert len(keys) == 3  # three attempts, not four
    result = sensor.tick()
    assert isinstance(result, dg.SensorResult)
    assert "3 runs for them failed" in str(result.skip_reason)
    [stuck] = result.asset_events
    assert isinstance(stuck, dg.AssetCheckEvaluation)
    assert (stuck.check_name, stuck.passed) == ("no_partition_is_stuck", False)


def test_the_sensor_waits_for_a_run_in_progress(sensor: Sensor) -> None:
    sensor.put("CT_small.dcm")
    sensor.instance.create_run_for_job(
        sensor.defs.resolve_job_def(RAW_JOB), status=dg.DagsterRunStatus.STARTED
    )
    assert isinstance(sensor.tick(), dg.SkipReason)


def test_the_sensor_does_not_wait_for_a_run_whose_process_ended(sensor: Sensor) -> None:
    sensor.put("CT_small.dcm")
    run = sensor.instance.create_run_for_job(
        sensor.defs.resolve_job_def(RAW_JOB), status=dg.DagsterRunStatus.STARTED
    )
    import platform

    from dicom_pipeline.orchestration.instance import PROCESS_TAG

    sensor.instance.add_run_tags(run.run_id, {PROCESS_TAG: f"{platform.node()}:1:1"})
    assert len(sensor.requests()) == 1
    failed = sensor.instance.get_run_by_id(run.run_id)
    assert failed is not None
    assert failed.status is dg.DagsterRunStatus.FAILURE


def test_the_sensor_stops_waiting_for_a_run_killed_before_its_first_step(
    sensor: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor.put("CT_small.dcm")
    run = sensor.instance.create_run_for_job(
        sensor.defs.resolve_job_def(RAW_JOB), status=dg.DagsterRunStatus.STARTED
    )
    sensor.instance.report_engine_event("started", run)
    assert isinstance(sensor.tick(), dg.SkipReason)  # it may still start
    later = time.time() + instance.SILENT_SECONDS + 1
    monkeypatch.setattr(instance.time, "time", lambda: later)
    assert len(sensor.requests()) == 1
    failed = sensor.instance.get_run_by_id(run.run_id)
    assert failed is not None
    assert failed.status is dg.DagsterRunStatus.FAILURE


def test_the_sensor_waits_for_another_writer(sensor: Sensor) -> None:
    sensor.put("CT_small.dcm")
    with WriteSession(sensor.workspace)():
        assert isinstance(sensor.tick(), dg.SkipReason)
    assert len(sensor.requests()) == 1


def test_a_mass_deletion_fails_the_tick_and_names_the_command(sensor: Sensor) -> None:
    sensor.put("CT_small.dcm")
    sensor.run(sensor.requests()[0])
    (sensor.workspace.settings.landing_dir / "CT_small.dcm").unlink()
    with pytest.raises(dg.Failure, match="dicom-pipeline scan --accept-deletions"):
        sensor.tick()


def test_a_partition_without_files_is_deleted_with_its_key(sensor: Sensor) -> None:
    sensor.put("CT_small.dcm", "MR_small.dcm")
    sensor.run(sensor.requests()[0])
    (sensor.workspace.settings.landing_dir / "CT_small.dcm").unlink()
    [request] = sensor.requests()
    assert sensor.run(request).success
    assert sensor.requests() == []
    assert list(sensor.instance.get_dynamic_partitions(STUDY_PERIOD)) == ["2004-08"]
    assert not list(sensor.workspace.settings.raw_dir.glob("*/study_period=2004-01"))


def test_parquet_unknown_to_dagster_is_requested_without_reading_files(
    sensor: Sensor, tmp_path: Path
) -> None:
    sensor.put("CT_small.dcm")
    sensor.run(sensor.requests()[0])
    (tmp_path / "another").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "another")) as lost:
        newcomer = Sensor(sensor.workspace, sensor.defs, lost)
        result = newcomer.run(newcomer.requests()[0])
        events = result.get_asset_materialization_events()
        assert {e.partition for e in events} == {"2004-01"}
        assert {e.materialization.metadata["files_read_in_run"].value for e in events} == {0}
        assert newcomer.requests() == []


def test_dagsters_storage_contains_no_identifier(sensor: Sensor) -> None:
    sensor.put("CT_small.dcm", "README.txt")
    [request] = sensor.requests()
    sensor.run(request)
    assert json.loads(str(sensor.cursor)) == {"start": 0}
    stored = b"".join(
        path.read_bytes()
        for path in Path(sensor.instance.root_directory).rglob("*")
        if path.is_file()
    )
    for name in (b"CT_small", b"CompressedSamples", b"1CT1", b"1.3.6.1.4.1.5962"):
        assert name not in stored
