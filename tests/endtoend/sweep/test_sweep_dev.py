"""The sweep over a site that was loaded by ``dagster dev`` and its two sensors."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.orchestration.dev_server import DevServer, wait_for

from .files import Archive
from .sweeping import SweptSite, sweep

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

LOGS = """
query($run: ID!) { logsForRun(runId: $run) { ... on EventConnection {
  events { ... on MessageEvent { message level stepKey } } } } }
"""
ASSETS = """
query { assetsOrError { ... on AssetConnection { nodes { key { path } definition {
  description assetMaterializations(limit: 20) { metadataEntries { label description } } } } } } }
"""
TICKS = """
query($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) { ... on Sensor {
  sensorState { ticks(limit: 50) { status skipReason cursor error { message stack } } } } } }
"""


def published(database: Path) -> list[tuple[object, ...]]:
    """Return all instance numbers and comments, read as a client."""
    if not database.exists():
        return []
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(
            "select instance_number, image_comments from processed.processed_images order by 1"
        ).fetchall()


def test_no_needle_is_found_after_dagster_dev(tmp_path: Path) -> None:
    site = SweptSite(tmp_path)
    archive = Archive()
    archive.first(site.landing)
    environment = site.environment | {"DICOM_MIN_FILE_AGE_SECONDS": "1"}
    with DevServer(environment, site.root / "dagster", site.project) as server:
        server.toggle_on("file_arrival_sensor")
        server.toggle_on("automation_sensor")
        wait_for(lambda: len(published(site.database)) > 30, seconds=600, what="the first files")
        before = published(site.database)
        archive.second(site.landing)
        wait_for(lambda: published(site.database) != before, seconds=600, what="the changes")
        # responses that the web UI gets
        runs = server.runs()
        answers = [server.query(LOGS, run=run["runId"]) for run in runs] + [server.query(ASSETS)]
        for sensor in ("file_arrival_sensor", "automation_sensor"):
            selector = {**server.selector(), "sensorName": sensor}
            answers.append(server.query(TICKS, selector=selector))
    assert len(runs) >= 5
    assert {run["status"] for run in runs} <= {"SUCCESS", "STARTED", "CANCELED"}, runs
    answers.append({"runs": runs})
    (site.terminal / "graphql.json").write_text("\n".join(map(str, answers)))
    assert (site.terminal / "graphql.json").stat().st_size > 10_000

    site.assert_no_other_folder()
    result = sweep(site.places(), archive.needles)
    print(f"\ndagster dev\n{result.table()}")  # noqa: T201
    assert result.hits == [], result.summary()
    assert result.days == set()
    assert result.places["DAGSTER_HOME"]["rows"] > 30
