"""Failed runs on a real instance, and the alerts that are sent for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import dagster as dg
import pytest

from dicom_pipeline.config.settings import Settings
from dicom_pipeline.orchestration.sensors.failure_alert import build_alert_sensor
from dicom_pipeline.workspace import Workspace
from tests.operations.test_alert_webhook import Hook, hook

__all__ = ["hook"]
NAME = "Undercover^Quentin"


@dg.asset(check_specs=[dg.AssetCheckSpec("no_leak", asset="tables")])
def tables() -> Iterator[dg.AssetCheckResult]:
    """Fail like a library whose error quotes the value that it read."""
    yield dg.AssetCheckResult(passed=False, metadata={"value": NAME})
    raise ValueError(f"cannot read {NAME}")


@pytest.fixture
def failed(instance: dg.DagsterInstance) -> dg.RunFailureSensorContext:
    job = dg.Definitions(
        assets=[tables], jobs=[dg.define_asset_job("nightly_job", tags={"trigger": "command"})]
    ).resolve_job_def("nightly_job")
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    return dg.build_run_status_sensor_context(
        sensor_name="failure_alert_sensor",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_failure_event(),
    ).for_run_failure()


def settings_with(workspace: Workspace, webhook: str | None) -> Settings:
    return dataclasses.replace(workspace.settings, alert_webhook=webhook)


def test_the_alert_contains_job_step_and_check_and_no_identifier(
    workspace: Workspace, failed: dg.RunFailureSensorContext, hook: Hook
) -> None:
    build_alert_sensor(settings_with(workspace, hook.address))(failed)
    [(_, body)] = hook.got
    text = str(body["text"])
    assert text.startswith("dicom_pipeline: nightly_job failed in tables (run ")
    assert "started by command" in text
    assert "Failed checks: tables: no_leak." in text
    assert "Undercover" not in text
    assert "Quentin" not in text


def test_a_refused_alert_is_logged_and_raises_nothing(
    workspace: Workspace,
    failed: dg.RunFailureSensorContext,
    hook: Hook,
    capfd: pytest.CaptureFixture[str],
) -> None:
    hook.answers = [404]
    build_alert_sensor(settings_with(workspace, hook.address))(failed)
    told = "".join(capfd.readouterr())
    assert "did not accept the alert: it answered 404" in told
    assert "hush" not in told


def test_the_sensor_is_on_if_a_webhook_is_set(workspace: Workspace) -> None:
    on = build_alert_sensor(settings_with(workspace, "https://hooks.example/x"))
    off = build_alert_sensor(settings_with(workspace, None))
    assert on.default_status is dg.DefaultSensorStatus.RUNNING
    assert off.default_status is dg.DefaultSensorStatus.STOPPED
