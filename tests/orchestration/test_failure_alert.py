"""Problems on a real instance, and the alerts that the sensor sends about them."""

import dataclasses
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._daemon.types import DaemonHeartbeat
from dagster._utils.error import serializable_error_info_from_exc_info

from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.config.settings import Settings
from dicom_pipeline.landing import manifest
from dicom_pipeline.operations.status import BuildState
from dicom_pipeline.orchestration import problems
from dicom_pipeline.orchestration.build_state import state_of
from dicom_pipeline.orchestration.checks.pipeline_checks import FRESH, IMAGES, NOT_STUCK
from dicom_pipeline.orchestration.failures import user_errors_in_one_line
from dicom_pipeline.orchestration.problems import AUTOMATION_SENSOR, FILE_SENSOR
from dicom_pipeline.orchestration.sensors.failure_alert import build_alert_sensor
from dicom_pipeline.workspace import Workspace
from tests.operations.test_alert_webhook import Hook, hook
from tests.support.dicom import instance as dicom_file

__all__ = ["hook"]
NAME = "Undercover^Quentin"
ORIGIN = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("dicom_pipeline"), "__repository__")


@dg.asset(
    config_schema={"fails": dg.Field(bool, default_value=True)},
    check_specs=[dg.AssetCheckSpec("no_leak", asset="tables")],
)
def tables(context: dg.AssetExecutionContext) -> Iterator[object]:
    """Fail like a library whose error quotes the value that it read."""
    fails = context.op_execution_context.op_config["fails"]
    yield dg.AssetCheckResult(passed=not fails, metadata={"value": NAME})
    if fails:
        raise ValueError(f"cannot read {NAME}")
    yield dg.MaterializeResult[None]()


DEFS = dg.Definitions(
    assets=[tables],
    jobs=[
        dg.define_asset_job(name, selection=[tables], tags={"trigger": "command"})
        for name in ("nightly_job", "hourly_job")
    ],
)


class Alerts:
    """Ticks of the alert sensor, and the messages that a webhook received."""

    def __init__(self, workspace: Workspace, instance: dg.DagsterInstance, hook: Hook) -> None:
        self.settings = dataclasses.replace(workspace.settings, alert_webhook=hook.address)
        self.workspace = workspace
        self.instance = instance
        self.hook = hook

    def tick(self, settings: Settings | None = None) -> list[str]:
        """Evaluate once; return the paragraphs of the messages that were sent."""
        before = len(self.hook.got)
        self.skip_reason = self.evaluate(settings)
        return [
            paragraph
            for _, body in self.hook.got[before:]
            for paragraph in str(body["text"]).split("\n\n")
        ]

    def evaluate(self, settings: Settings | None = None) -> str:
        settings = settings or self.settings
        self.workspace.ingest.settings = settings
        with dg.build_sensor_context(
            instance=self.instance,
            resources={"ingest": self.workspace.ingest},
            definitions=DEFS,
        ) as context:
            result = build_alert_sensor(settings)(context)
        assert isinstance(result, dg.SkipReason)
        return str(result.skip_message)

    def run(self, job: str = "nightly_job", *, fails: bool) -> None:
        result = DEFS.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            raise_on_error=False,
            run_config={"ops": {"tables": {"config": {"fails": fails}}}},
        )
        assert result.success is not fails

    def toggle(self, sensor: str, status: InstigatorStatus, *, ran: bool = True) -> None:
        """Switch a sensor on or off, as the web UI does."""
        origin = ORIGIN.get_instigator_origin(sensor)
        data = SensorInstigatorData(last_sensor_start_timestamp=time.time() if ran else None)
        state = InstigatorState(origin, InstigatorType.SENSOR, status, data)
        if self.instance.get_instigator_state(state.instigator_origin_id, state.selector_id):
            self.instance.update_instigator_state(state)
        else:
            self.instance.add_instigator_state(state)

    def sensor_tick(self, sensor: str, error: Exception | None = None) -> None:
        """Record a tick as the daemon does."""
        info = None
        if error is not None:
            try:
                with user_errors_in_one_line():
                    raise error
            except Exception:
                info = serializable_error_info_from_exc_info(sys.exc_info())
        origin = ORIGIN.get_instigator_origin(sensor)
        state = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING)
        self.instance.create_tick(
            TickData(
                state.instigator_origin_id,
                sensor,
                InstigatorType.SENSOR,
                TickStatus.FAILURE if error else TickStatus.SKIPPED,
                time.time(),
                error=info,
                selector_id=state.selector_id,
            )
        )


@pytest.fixture
def alerts(workspace: Workspace, instance: dg.DagsterInstance, hook: Hook) -> Alerts:
    return Alerts(workspace, instance, hook)


def test_the_alert_contains_job_step_and_check_and_no_identifier(alerts: Alerts) -> None:
    alerts.run(fails=True)
    [text] = alerts.tick()
    assert text.startswith("dicom_pipeline: nightly_job failed in tables (run ")
    assert "started by command" in text
    assert "Failed checks: tables: no_leak." in text
    assert "Undercover" not in text
    assert "Quentin" not in text


def test_a_problem_is_announced_once_and_once_more_when_it_is_resolved(alerts: Alerts) -> None:
    assert alerts.tick() == []
    alerts.run(fails=True)
    assert len(alerts.tick()) == 1
    assert alerts.tick() == []
    alerts.run(fails=False)
    [resolved] = alerts.tick()
    assert resolved.startswith("dicom_pipeline: resolved: nightly_job failed in tables (run ")
    assert alerts.tick() == []


def test_each_failed_run_is_announced_even_if_a_later_run_has_superseded_it(
    alerts: Alerts,
) -> None:
    alerts.run(fails=True)
    alerts.run(fails=False)
    assert alerts.tick() == []  # before the first evaluation
    for fails in (True, True, False):
        alerts.run(fails=fails)
    first, second = alerts.tick()
    assert first != second
    assert all("nightly_job failed" in text for text in (first, second))
    assert alerts.tick() == []
    for _ in range(2):
        alerts.run(fails=True)
    assert len(alerts.tick()) == 2
    alerts.run(fails=True)
    assert len(alerts.tick()) == 1  # another failed run of the same job


def test_a_webhook_that_cannot_be_reached_fails_no_tick_and_loses_no_message(
    alerts: Alerts, capfd: pytest.CaptureFixture[str]
) -> None:
    alerts.tick()
    alerts.run(fails=True)
    alerts.run(fails=False)
    alerts.run("hourly_job", fails=True)
    alerts.hook.answers = [404]
    alerts.tick()
    assert "it answered 404; the next tick tries again" in alerts.skip_reason
    told = "".join(capfd.readouterr())
    assert "did not accept the alert: it answered 404" in told
    assert "hush" not in told + alerts.skip_reason
    assert sorted(text.split()[1] for text in alerts.tick()) == ["hourly_job", "nightly_job"]
    assert alerts.tick() == []


def test_a_sensor_that_fails_at_each_tick_is_announced_with_its_one_line_error(
    alerts: Alerts, workspace: Workspace
) -> None:
    alerts.toggle(FILE_SENSOR, InstigatorStatus.RUNNING)
    workspace.settings.landing_dir.rmdir()
    with pytest.raises(Exception, match="DICOM_LANDING_URI") as missing:
        workspace.ingest.scan()
    alerts.sensor_tick(FILE_SENSOR)
    alerts.sensor_tick(FILE_SENSOR, missing.value)
    assert alerts.tick() == []  # one failed tick is repeated
    alerts.sensor_tick(FILE_SENSOR, missing.value)
    [text] = alerts.tick()
    assert text.splitlines()[:2] == [
        "dicom_pipeline: file_arrival_sensor fails at each tick.",
        "the landing zone is not a directory that can be listed; check DICOM_LANDING_URI, or "
        "whether it is mounted",
    ]
    alerts.sensor_tick(FILE_SENSOR)
    assert alerts.tick() == ["dicom_pipeline: resolved: file_arrival_sensor fails at each tick."]


def test_the_error_of_a_library_in_a_tick_is_not_quoted(alerts: Alerts) -> None:
    alerts.toggle(AUTOMATION_SENSOR, InstigatorStatus.RUNNING)
    for _ in range(2):
        alerts.sensor_tick(AUTOMATION_SENSOR, ValueError(f"cannot read {NAME}"))
    [text] = alerts.tick()
    assert text.startswith("dicom_pipeline: automation_sensor fails at each tick.")
    assert "Quentin" not in text


def test_a_sensor_is_announced_as_stopped_if_it_has_been_running(alerts: Alerts) -> None:
    alerts.toggle(AUTOMATION_SENSOR, InstigatorStatus.STOPPED, ran=False)
    alerts.toggle(FILE_SENSOR, InstigatorStatus.RUNNING)
    assert alerts.tick() == []
    alerts.toggle(FILE_SENSOR, InstigatorStatus.STOPPED)
    [text] = alerts.tick()
    assert text.startswith("dicom_pipeline: file_arrival_sensor is stopped.\n")
    alerts.toggle(FILE_SENSOR, InstigatorStatus.RUNNING)
    assert alerts.tick() == ["dicom_pipeline: resolved: file_arrival_sensor is stopped."]


def test_the_watched_sensors_exist(defs: dg.Definitions) -> None:
    names = {sensor.name for sensor in defs.sensors or []}
    assert names == {*problems.WATCHED, problems.ALERT_SENSOR}


@pytest.mark.parametrize(
    ("name", "severity", "is_announced"),
    [
        (NOT_STUCK, dg.AssetCheckSeverity.ERROR, True),
        (NOT_STUCK, dg.AssetCheckSeverity.WARN, False),
        (FRESH, dg.AssetCheckSeverity.WARN, True),
    ],
)
def test_a_failed_check_is_announced_unless_it_is_a_warning_about_tables(
    alerts: Alerts,
    defs: dg.Definitions,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    severity: dg.AssetCheckSeverity,
    is_announced: bool,
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "DEFS", defs)

    def report(*, passed: bool) -> None:
        alerts.instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=IMAGES,
                check_name=name,
                passed=passed,
                severity=severity,
                metadata={"value": NAME},
            )
        )

    report(passed=False)
    texts = alerts.tick()
    assert [text.splitlines()[0] for text in texts] == (
        [f"dicom_pipeline: check raw/images: {name} failed."] if is_announced else []
    )
    assert "Quentin" not in "".join(texts)
    checked = defs.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection=set(), asset_check_selection={dg.AssetCheckKey(IMAGES, name)}
    )
    alerts.instance.create_run_for_job(checked)  # a run that has not evaluated the check yet
    assert alerts.tick() == []
    report(passed=True)
    assert len(alerts.tick()) == is_announced


def test_a_landing_zone_without_a_new_file_is_announced_if_that_is_limited(
    alerts: Alerts, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = dataclasses.replace(alerts.settings, landing_freshness_hours=36)
    assert alerts.tick(limited) == []  # nothing was ever scanned
    landing = workspace.settings.landing_dir
    old = landing / f"{NAME}.dcm"
    old.write_bytes(dicom_file(1))
    workspace.ingest.scan()
    assert alerts.tick(limited) == []
    later = manifest.now() + timedelta(hours=37)
    monkeypatch.setattr(problems, "now", lambda: later)
    monkeypatch.setattr(manifest, "now", lambda: later)
    old.write_bytes(dicom_file(1, PatientWeight="70"))  # the file is changed, and not new
    workspace.ingest.scan()
    assert alerts.tick() == []  # there is no limit by default
    [text] = alerts.tick(limited)
    assert text.startswith("dicom_pipeline: the landing zone has had no new file for more than 36")
    assert "DICOM_LANDING_FRESHNESS_HOURS" in text
    assert "Quentin" not in text

    monkeypatch.setattr("dicom_pipeline.landing.scan.now", lambda: later)
    (landing / "new.dcm").write_bytes(dicom_file(2, StudyDate="19990101"))
    workspace.ingest.scan()
    [resolved] = alerts.tick(limited)
    assert "resolved: the landing zone has had no new file" in resolved


def test_the_status_lists_failing_and_stopped_sensors_and_whether_alerts_are_sent(
    alerts: Alerts,
) -> None:
    def state() -> BuildState:
        return state_of(alerts.workspace.ingest, alerts.instance)

    nothing = state()
    assert (nothing.problems, nothing.stopped) == ([], [])
    assert nothing.alerts == "off: DICOM_ALERT_WEBHOOK is not set"

    alerts.workspace.ingest.settings = alerts.settings
    assert "the daemon of Dagster is not running" in state().alerts
    alerts.instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), "SENSOR", "1", []))
    assert state().alerts == "on"
    alerts.toggle(problems.ALERT_SENSOR, InstigatorStatus.STOPPED)
    assert state().alerts.startswith("off: failure_alert_sensor is stopped")

    alerts.toggle(AUTOMATION_SENSOR, InstigatorStatus.STOPPED)
    alerts.toggle(FILE_SENSOR, InstigatorStatus.RUNNING)
    for _ in range(2):
        alerts.sensor_tick(FILE_SENSOR, StorageUnavailable("the bucket cannot be reached"))
    assert state().stopped == ["automation_sensor is stopped"]
    [problem] = state().problems
    assert problem.startswith("file_arrival_sensor fails at each tick. the bucket cannot")


def test_the_sensor_is_on_if_a_webhook_is_set(alerts: Alerts) -> None:
    on = build_alert_sensor(alerts.settings)
    off = build_alert_sensor(dataclasses.replace(alerts.settings, alert_webhook=None))
    assert on.default_status is dg.DefaultSensorStatus.RUNNING
    assert off.default_status is dg.DefaultSensorStatus.STOPPED
