"""Restores of minimal backups in another directory give the same published tables."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from tests.endtoend.conftest import Site, files_read

from .conftest import Faults, SiteFactory, share_key
from .invariant import found_in, take_snapshot


@pytest.mark.slow
def test_the_landing_zone_and_the_key_restore_all_tables(
    sites: SiteFactory, faults: Faults, tmp_path: Path
) -> None:
    site = sites.empty(tmp_path / "elsewhere")
    assert files_read(faults.recover("restored from landing zone and key", site)) == 74


@pytest.mark.slow
def test_the_raw_zone_and_the_key_restore_all_tables_without_files(
    sites: SiteFactory, faults: Faults, tmp_path: Path
) -> None:
    site = Site(tmp_path / "elsewhere")
    origin = sites.changed.site
    shutil.copytree(origin.root / "raw", site.root / "raw")
    share_key(origin, site)
    site.environment["DICOM_ON_DELETE"] = "keep"
    began = time.monotonic()
    assert files_read(site.command("run", seconds=600)) == 0
    seconds = time.monotonic() - began
    assert not found_in(site.landing)
    # the ignored names of the landing zone are missing, and so are their counts
    assert take_snapshot(site).differs_from(faults.clean).keys() == {"run_info"}
    faults.record("restored from raw zone and key only", seconds)


@pytest.mark.slow
def test_the_raw_zone_the_key_and_the_landing_zone_restore_all_tables_without_reading(
    sites: SiteFactory, faults: Faults, tmp_path: Path
) -> None:
    site = sites.empty(tmp_path / "elsewhere")
    shutil.copytree(sites.changed.site.root / "raw", site.root / "raw")
    output = faults.recover("restored from landing zone, raw zone and key", site)
    assert files_read(output) == 0
