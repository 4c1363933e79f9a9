"""Restored in another place from a backup of little: the same tables are published."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from tests.endtoend.conftest import Site, files_read

from .conftest import Faults, Victims, share_key
from .invariant import found_in, picture


@pytest.mark.slow
def test_from_the_landing_zone_and_the_key(
    victims: Victims, faults: Faults, tmp_path: Path
) -> None:
    site = victims.empty(tmp_path / "elsewhere")
    assert files_read(faults.recovered("restored from landing zone and key", site)) == 74


@pytest.mark.slow
def test_from_the_raw_zone_and_the_key_where_the_landing_zone_was_emptied(
    victims: Victims, faults: Faults, tmp_path: Path
) -> None:
    site = Site(tmp_path / "elsewhere")
    origin = victims.changed.site
    shutil.copytree(origin.root / "raw", site.root / "raw")
    share_key(origin, site)
    site.environment["DICOM_ON_DELETE"] = "keep"
    began = time.monotonic()
    assert files_read(site.command("run", seconds=600)) == 0
    seconds = time.monotonic() - began
    assert not found_in(site.landing)
    # names that are passed over are gone with the landing zone, and so are their counts
    assert picture(site).differs_from(faults.clean).keys() == {"run_info"}
    faults.note("restored from raw zone and key alone", seconds)


@pytest.mark.slow
def test_from_the_raw_zone_the_key_and_the_landing_zone(
    victims: Victims, faults: Faults, tmp_path: Path
) -> None:
    site = victims.empty(tmp_path / "elsewhere")
    shutil.copytree(victims.changed.site.root / "raw", site.root / "raw")
    output = faults.recovered("restored from landing zone, raw zone and key", site)
    assert files_read(output) == 0
