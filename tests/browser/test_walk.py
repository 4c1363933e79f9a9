"""The steps of a user of the web UI, in a real browser.

This also covers what ``tests/orchestration/test_dev.py`` tests without a browser: a new file is
published automatically and once, and no runs repeat.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pydicom
import pytest

from dicom_pipeline.config.project import PROJECT_DIR
from tests.orchestration.dev_server import DevServer, wait_for

from . import small_archive

playwright = pytest.importorskip("playwright", reason="NOT TESTED: the web UI. No playwright")
from playwright.sync_api import Locator, Page, expect  # noqa: E402

from .browser import SIZE, chromium, opened, save_screenshot  # noqa: E402

SAMPLE = Path(pydicom.__file__).parent / "data" / "test_files"
# `make screenshots` sets it
SAVE_SCREENSHOTS = os.environ.get("SCREENSHOTS") == "yes"
# broken files have their own month, or none
PARTITIONS = str(len(small_archive.MONTHS) + 2)
LOCATION = "/locations/dicom_pipeline"
SECONDS = 240.0


class Walk:
    """Browser page, server and directory of screenshots."""

    def __init__(self, page: Page, server: DevServer, pictures: Path) -> None:
        self.page = page
        self.server = server
        self.pictures = pictures

    def go(self, path: str, shown: str) -> None:
        """Open a page and wait until a text is visible."""
        self.page.goto(f"http://127.0.0.1:{self.server.port}{path}")
        expect(self.page.get_by_text(shown).first).to_be_visible(timeout=30_000)

    def take(self, name: str) -> None:
        """Take a screenshot."""
        save_screenshot(self.page, self.pictures / f"ui_{name}.png")

    def set_height(self, height: int = SIZE["height"]) -> None:
        """Set the height of the window, lower for a page with little content."""
        self.page.set_viewport_size({"width": SIZE["width"], "height": height})

    def runs(self, job: str) -> list[dict[str, Any]]:
        """Return the runs of a job, newest first."""
        return [run for run in self.server.runs() if run["jobName"] == job]

    def ended(self, runs: int, what: str) -> None:
        """Wait until ``runs`` runs have succeeded."""

        def all_ended() -> bool:
            found = [run["status"] for run in self.server.runs()]
            assert "FAILURE" not in found, self.server.runs()
            return found.count("SUCCESS") >= runs

        wait_for(all_ended, seconds=SECONDS, what=what)

    def group(self, name: str) -> Locator:
        """Return the box of a group in the graph."""
        return self.page.locator("foreignObject, div").get_by_text(name, exact=True).last

    def switch(self, sensor: str) -> Locator:
        """Return the toggle of a sensor on the page Automation."""
        switches = self.page.locator("label[class*=formatSwitch]")
        expect(switches).to_have_count(3)
        self.page.wait_for_timeout(1000)  # rows move while the page loads
        line = self.page.locator(f"a[href$='/sensors/{sensor}']").bounding_box()
        assert line
        for switch in switches.all():
            place = switch.bounding_box()
            if place and line["y"] < place["y"] < line["y"] + line["height"]:
                return switch
        raise AssertionError(f"no toggle beside {sensor}")

    def toggle(self, sensor: str) -> None:
        """Start a sensor with its toggle."""
        switch = self.switch(sensor)
        expect(switch.locator("input")).not_to_be_checked()
        switch.click()
        expect(switch.locator("input")).to_be_checked()


@pytest.fixture
def walk(environment: dict[str, str], tmp_path: Path) -> Iterator[Walk]:
    """Web UI on an archive that was not scanned yet."""
    executable = chromium()
    if executable is None:
        pytest.skip("NOT TESTED: the web UI. Chromium is not installed (Debian: chromium)")
    small_archive.write(Path(environment["DICOM_LANDING_URI"]))
    pictures = PROJECT_DIR / "resources" if SAVE_SCREENSHOTS else tmp_path
    with (
        DevServer(
            environment | {"DICOM_MIN_FILE_AGE_SECONDS": "1"}, tmp_path / "dagster"
        ) as server,
        opened(executable) as page,
    ):
        yield Walk(page, server, pictures)


def images(database: Path) -> int:
    """Return the number of rows of processed_images, read as a client."""
    if not database.exists():
        return 0
    with duckdb.connect(str(database), read_only=True) as connection:
        row = connection.execute("select count(*) from processed.processed_images").fetchone()
    return int(row[0]) if row else 0


@pytest.mark.timeout(600)
def test_a_user_loads_an_archive_and_publishes_the_tables(
    walk: Walk, environment: dict[str, str], tmp_path: Path
) -> None:
    page, server = walk.page, walk.server
    landing, database = (
        Path(environment["DICOM_LANDING_URI"]),
        Path(environment["DBT_DATABASE_NAME"]),
    )
    loaded = len(list(landing.glob("0*.dcm")))

    assert server.runs() == []  # all sensors are off until toggled

    # the groups are in order from left to right
    walk.go("/asset-groups", "published")
    page.get_by_text("Hide navigation").click()
    order = ("raw", "stage", "processed", "published")
    places = [walk.group(name).bounding_box() for name in order]
    left = [place["x"] for place in places if place]
    assert left == sorted(left)
    assert len(set(left)) == len(order)

    # the internal tables, by their job
    walk.go(f"{LOCATION}/jobs/materialize_internal_assets_job", "Materialize all")
    page.get_by_role("button", name="Materialize all").first.click()
    walk.ended(1, "the internal tables")

    # files are found and read
    walk.go("/automation", "file_arrival_sensor")
    walk.toggle("file_arrival_sensor")
    walk.ended(2, "the raw tables")

    # one partition by hand
    walk.go(f"{LOCATION}/jobs/materialize_raw_assets_job", "rejected_files")
    page.get_by_role("button", name="Materialize all").first.click()
    dialog = page.get_by_role("dialog").first
    dialog.locator("[class*=tagSelectorContainer]").click()
    page.get_by_text("2019-02", exact=True).first.click()
    expect(dialog.get_by_text("1 partition", exact=True)).to_be_visible()
    walk.take("partitions")
    page.keyboard.press("Escape")
    dialog.get_by_role("button", name=re.compile("^Launch")).click()
    walk.ended(3, "the partition")

    # and everything downstream builds itself
    walk.go("/automation", "automation_sensor")
    walk.toggle("automation_sensor")
    walk.set_height(400)
    walk.take("automation")
    walk.set_height()
    wait_for(lambda: images(database) == loaded, seconds=SECONDS, what="the published tables")
    walk.ended(4, "the run downstream")

    # a new file is loaded while the pages are visited
    shutil.copy(SAMPLE / "CT_small.dcm", landing)
    look_around(walk, loaded)
    wait_for(lambda: images(database) == loaded + 1, seconds=SECONDS, what="the dropped file")
    published_at = time.monotonic()
    walk.ended(6, "all runs")
    walk.set_height(560)
    walk.go("/asset-groups", "published")
    page.wait_for_timeout(1500)
    walk.take("lineage")

    time.sleep(max(0, published_at + 25 - time.monotonic()))  # two more ticks must request nothing
    runs = server.runs()
    assert {run["status"] for run in runs} == {"SUCCESS"}, runs
    triggers = [{tag["key"]: tag["value"] for tag in run["tags"]} for run in runs]
    asked_by = sorted(tags["trigger"] for tags in triggers)
    # everything downstream is built once per batch
    assert asked_by == ["automation", "automation", "file_arrival", "file_arrival", "hand", "hand"]
    found = sorted(tags.get("dicom_pipeline/partitions", "") for tags in triggers)
    assert found == ["", "", "", "", "1", PARTITIONS]
    log = (tmp_path / "dagster" / "dev.log").read_text()
    assert "Undercover" not in log
    assert "1CT1" not in log


def look_around(walk: Walk, loaded: int) -> None:
    """Open the metadata, columns, charts and checks of assets."""
    page = walk.page
    walk.go("/assets/report/summary", "files_without_row")
    expect(page.get_by_text(str(loaded), exact=True).first).to_be_visible()
    page.get_by_text("[Show Markdown]").first.click()
    picture = page.get_by_role("dialog").locator("img[src^='data:image/png']")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 500
    walk.take("summary")

    walk.go("/assets/stage/staged_images", "raw/images.rows")
    expect(page.get_by_text("staged_images.sql").first).to_be_visible()
    page.get_by_placeholder("Filter columns").fill("pixel")
    page.get_by_placeholder("Filter columns").scroll_into_view_if_needed()
    walk.take("columns")

    walk.go("/assets/processed/series_geometry?view=checks", "spacing_is_regular")
    page.get_by_text("no_slice_gaps").first.click()
    page.get_by_text("[Show Markdown]").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("missing_slices > 0")
    page.get_by_role("button", name="Close").click()
    walk.take("checks")
