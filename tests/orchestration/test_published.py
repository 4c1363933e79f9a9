"""The asset ``published/database``: a blocking check whose result is pass, warning or error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from dicom_pipeline.orchestration.assets import published as published_module
from dicom_pipeline.orchestration.assets.published import KEY, NO_LEAK, build_published
from dicom_pipeline.orchestration.dbt_project import dbt_project
from dicom_pipeline.orchestration.failures import error_lines
from dicom_pipeline.warehouse.duckdb.publish import PublishReport
from dicom_pipeline.warehouse.leak_check.report import Finding, LeakReport, RemovedCells

CELLS = RemovedCells("stage.staged_studies", "requesting_service", 2, 1)
FINDING = Finding("stage.staged_series", "protocol_name", 7, "of 6 patients hold an identifier")
REPORTS = {
    "pass": LeakReport(exempt=["stage.staged_images.x"]),
    "warning": LeakReport(removed=[CELLS]),
    "error": LeakReport(removed=[CELLS], findings=[FINDING]),
}


class FakeWarehouse:
    """Warehouse whose check needs a second build."""

    settings = SimpleNamespace(profile="research")
    partial_parse_path = Path("/missing")

    def __init__(self, report: LeakReport) -> None:
        self.report = report
        self.steps: list[str] = []

    def check_for_leaks(self, rebuild: Callable[[], None]) -> LeakReport:
        self.steps.append("check")
        rebuild()
        return self.report

    def restrict_permissions(self) -> None:
        self.steps.append("restrict")

    def publish(self, _: object) -> PublishReport:
        self.steps.append("publish")
        return PublishReport({"processed_images": 1}, 1)


@contextmanager
def no_lock(*_: object, **__: object) -> Iterator[None]:
    yield


@pytest.mark.parametrize("name", REPORTS)
def test_removed_cells_are_a_warning_and_other_findings_prevent_publication(
    name: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = FakeWarehouse(REPORTS[name])
    commands: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        published_module, "run_dbt", lambda _, *arguments, target_path: commands.append(arguments)
    )
    resources: dict[str, Any] = {"warehouse": warehouse, "write_session": no_lock}
    result = dg.materialize(
        [build_published(dbt_project(), [])],
        instance=instance,
        resources=resources,
        raise_on_error=False,
    )
    assert commands == [("build", "--select", "stage", "processed")]
    assert result.success == (name != "error")
    assert warehouse.steps == ["check", "restrict"] + ["publish"] * result.success
    [check] = result.get_asset_check_evaluations()
    assert (check.check_name, check.blocking) == (NO_LEAK, True)
    assert check.passed == (name == "pass")
    expected = dg.AssetCheckSeverity.ERROR if name == "error" else dg.AssetCheckSeverity.WARN
    assert check.severity is expected
    texts = {key: str(value.value) for key, value in check.metadata.items()}
    assert ("removed" in texts) == (name != "pass")
    if name != "pass":
        assert "| stage.staged_studies | requesting_service | 2 | 1 |" in texts["removed"]
    assert ("found" in texts) == (name == "error")
    if name == "error":
        [failure] = [e for e in result.all_events if e.is_step_failure]
        [line] = error_lines([failure])
        assert line == f"nothing was published; the leak check found: {FINDING}"
    assert texts.get("exempt_by_accepted_risk") == {"pass": "stage.staged_images.x"}.get(name)


def test_a_failed_second_build_publishes_nothing(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(*_: object, target_path: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(published_module, "run_dbt", failed)
    warehouse = FakeWarehouse(REPORTS["pass"])
    result = dg.materialize(
        [build_published(dbt_project(), [])],
        instance=instance,
        resources={"warehouse": warehouse, "write_session": no_lock},
        raise_on_error=False,
    )
    assert not result.success
    assert warehouse.steps == ["check", "restrict"]
    assert instance.get_latest_materialization_event(KEY) is None
