"""Real ``dagster dev``: sensors are started through GraphQL, and new files are published."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import duckdb
import pydicom
import pytest

from tests.browser.browser import chromium
from tests.operations.test_alert_webhook import Hook, hook
from tests.support.project import add_line, copy_project

from .dev_server import DevServer, wait_for

__all__ = ["hook"]
SAMPLE = Path(pydicom.__file__).parent / "data" / "test_files"
DOWNSTREAM_TABLES = 16  # six staged, five processed, five views
INTERNAL_TABLES = 10  # eight seeds, the vault, and the table that depends on them only


def images(database: Path) -> int:
    """Return the number of rows of processed_images, read as a client."""
    if not database.exists():
        return 0
    with duckdb.connect(str(database), read_only=True) as connection:
        row = connection.execute("select count(*) from processed.processed_images").fetchone()
    return int(row[0]) if row else 0


@pytest.mark.slow
def test_the_web_ui_listens_on_the_loopback_address_only_and_logs_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with DevServer(environment, tmp_path / "dagster") as server:
        assert server.listening() == {"127.0.0.1"}
        assert f"http://127.0.0.1:{server.port}" in server.log_path.read_text()


@pytest.mark.skipif(
    chromium() is not None, reason="tests/browser/test_walk.py tests the same in a browser"
)
@pytest.mark.timeout(600)
def test_a_new_file_is_published_automatically(
    environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    landing = Path(environment["DICOM_LANDING_URI"])
    database = Path(environment["DBT_DATABASE_NAME"])
    # two months and a file without a date: three partitions, one batch downstream
    for name in ("CT_small.dcm", "MR_small.dcm", "rtdose_1frame.dcm"):
        shutil.copy(SAMPLE / name, landing)
    with DevServer(
        environment | {"DICOM_MIN_FILE_AGE_SECONDS": "1"}, tmp_path / "dagster"
    ) as server:
        assert server.runs() == []  # both sensors are off until toggled
        server.toggle_on("file_arrival_sensor")
        server.toggle_on("automation_sensor")
        first = wait_for(lambda: images(database) == 3, seconds=240, what="the first batch")

        shutil.copy(SAMPLE / "JPEG2000.dcm", landing)
        second = wait_for(lambda: images(database) == 4, seconds=240, what="the dropped file")
        with capsys.disabled():
            print(f"\nfirst batch after {first:.0f} s, a dropped file after {second:.0f} s")  # noqa: T201

        time.sleep(25)  # two more ticks of each sensor must request nothing
        ended = {"SUCCESS", "FAILURE", "CANCELED"}
        wait_for(
            lambda: {run["status"] for run in server.runs()} <= ended, seconds=120, what="all runs"
        )
        runs = server.runs()
    jobs = sorted(run["jobName"] for run in runs)
    assert {run["status"] for run in runs} == {"SUCCESS"}, runs
    assert jobs == ["__ASSET_JOB"] * 3 + ["materialize_raw_assets_job"] * 2, runs
    selections = sorted(len(run["assetSelection"] or []) for run in runs)
    # internal tables once; downstream, published file and summary asset once per batch
    assert selections == [0, 0, INTERNAL_TABLES, DOWNSTREAM_TABLES + 2, DOWNSTREAM_TABLES + 2], runs
    ranges = [
        {tag["key"]: tag["value"] for tag in run["tags"]}
        for run in runs
        if run["jobName"] == "materialize_raw_assets_job"
    ]
    assert [tags["dicom_pipeline/partitions"] for tags in ranges] == ["1", "3"]
    assert "1CT1" not in (tmp_path / "dagster" / "dev.log").read_text()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_mapping_edited_while_dagster_runs_is_applied_to_the_published_file(
    environment: dict[str, str], tmp_path: Path
) -> None:
    project = copy_project(tmp_path / "project")
    database = Path(environment["DBT_DATABASE_NAME"])
    shutil.copy(SAMPLE / "CT_small.dcm", environment["DICOM_LANDING_URI"])

    def columns() -> dict[str, object]:
        if not database.exists():
            return {}
        with duckdb.connect(str(database), read_only=True) as connection:
            row = connection.execute("from processed.processed_images").fetchone()
            names = [column[0] for column in connection.description or []]
        return dict(zip(names, row or (), strict=False))

    with DevServer(
        environment | {"DICOM_MIN_FILE_AGE_SECONDS": "1"}, tmp_path / "dagster", project
    ) as server:
        server.toggle_on("file_arrival_sensor")
        server.toggle_on("automation_sensor")
        wait_for(lambda: columns().get("rows") == 128, seconds=240, what="the first file")
        # the mapping removes one column and then adds another
        mapping = project / "dbt_snowflake" / "seeds" / "anonymization_mapping.csv"
        before = "images,rows,Rows,US,1,integer,keep_number,keep_number,"
        assert before in mapping.read_text()
        after = before.replace("keep_number", "remove")
        mapping.write_text(mapping.read_text().replace(before, after))
        wait_for(lambda: columns().get("rows") is None, seconds=240, what="the removal")
        add_line(project, "images,kvp,KVP,DS,1,double,keep_number,keep_number,false,,\n")
        wait_for(lambda: columns().get("kvp") == 120.0, seconds=240, what="the new column")
    assert columns()["rows"] is None


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_killed_during_dbt_is_repeated_automatically(
    environment: dict[str, str], tmp_path: Path
) -> None:
    database = Path(environment["DBT_DATABASE_NAME"])
    shutil.copy(SAMPLE / "CT_small.dcm", environment["DICOM_LANDING_URI"])
    with DevServer(
        environment | {"DICOM_MIN_FILE_AGE_SECONDS": "1"}, tmp_path / "dagster"
    ) as server:
        server.toggle_on("file_arrival_sensor")
        server.toggle_on("automation_sensor")
        killed: list[int] = []

        def building() -> bool:
            """Find the run that builds stage by its dbt process, and kill only the run."""
            listing = subprocess.run(
                ["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
            )
            for line in listing.stdout.splitlines():
                _, parent, arguments = line.split(maxsplit=2)
                if "dbt build" not in arguments or "staged_images" not in arguments:
                    continue
                if os.getsid(int(parent)) == server.process.pid:
                    os.kill(int(parent), signal.SIGKILL)
                    killed.append(int(parent))
            return bool(killed)

        wait_for(building, seconds=240, what="dbt")
        wait_for(lambda: images(database) == 1, seconds=240, what="the file")
        statuses = [run["status"] for run in server.runs()]
    assert "FAILURE" in statuses
    assert statuses.count("SUCCESS") >= 3


@pytest.mark.timeout(600)
def test_a_missing_landing_folder_alerts_with_one_line_and_its_return_resolves_it(
    environment: dict[str, str], tmp_path: Path, hook: Hook
) -> None:
    landing = Path(environment["DICOM_LANDING_URI"])
    landing.rmdir()
    server = DevServer(environment | {"DICOM_ALERT_WEBHOOK": hook.address}, tmp_path / "dagster")
    with server:
        server.toggle_on("file_arrival_sensor")
        wait_for(lambda: len(hook.got) == 1, seconds=240, what="the alert")
        landing.mkdir()
        wait_for(lambda: len(hook.got) == 2, seconds=240, what="the resolution")
        assert server.runs() == []
    alert, resolution = (str(body["text"]) for _, body in hook.got)
    assert alert.startswith("dicom_pipeline: file_arrival_sensor fails at each tick.")
    assert "DICOM_LANDING_URI" in alert
    assert resolution.startswith("dicom_pipeline: resolved: file_arrival_sensor")
    log = server.log_path.read_text()
    assert "Sensor tick caught an error: the landing zone is not a directory" in log
    assert "Traceback" not in log
    assert str(landing) not in alert + resolution + log
