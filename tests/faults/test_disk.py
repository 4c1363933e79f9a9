"""Full and read-only disks: one line names the disk and the next step, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.endtoend.conftest import Site

from .conftest import Faults
from .mounts import read_only, small
from .runs import Run, error_line
from .watch import Watch

pytestmark = pytest.mark.usefixtures("mounts")
SETTINGS = {
    "raw": "DICOM_RAW_URI",
    "warehouse": "DICOM_WAREHOUSE_DIR",
    "published": "DBT_DATABASE_NAME",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("zone", "free"),
    [
        ("raw", 0), ("raw", 60_000), ("raw", 200_000),
        ("warehouse", 0), ("warehouse", 600_000), ("warehouse", 2_000_000),
        ("published", 100_000), ("published", 1_500_000),
    ],
)  # fmt: skip
def test_a_full_disk_is_reported_and_the_next_run_recovers(
    zone: str, free: int, loaded: Site, faults: Faults
) -> None:
    with Watch(loaded.database) if zone != "published" else Watch(Path("/nowhere")) as watch:
        with small(loaded.root / zone, free=free):
            line = error_line(Run(loaded).ends_with(1))
            assert f"the disk of {SETTINGS[zone]} is full: free some space" in line
        # the published zone itself moved to another disk and back, so it was not watched
        watched = watch if zone != "published" else None
        faults.recover(f"full disk: {zone}", loaded, watched)


@pytest.mark.slow
@pytest.mark.parametrize("zone", ["raw", "published"])
def test_a_read_only_zone_is_reported(zone: str, loaded: Site, faults: Faults) -> None:
    with read_only(loaded.root / zone):
        line = error_line(Run(loaded).ends_with(1))
        assert f"the disk of {SETTINGS[zone]} cannot be written: it is mounted read-only" in line
    faults.recover(f"read-only file system: {zone}", loaded)


def test_a_scan_reports_a_read_only_raw_zone(site: Site, faults: Faults) -> None:
    site.put("CT_small.dcm")
    (site.root / "raw").mkdir()
    with read_only(site.root / "raw"):
        assert "mounted read-only" in error_line(Run(site, "scan").ends_with(1))
    assert "1 new" in site.command("scan")
    faults.record_refusal("read-only raw zone, during a scan")


def test_a_scan_reports_a_full_raw_zone(site: Site, faults: Faults) -> None:
    site.put("CT_small.dcm")
    (site.root / "raw").mkdir()
    with small(site.root / "raw", free=0):
        (site.root / "raw" / "filler").write_bytes(bytes(4096))
        assert "DICOM_RAW_URI is full" in error_line(Run(site, "scan").ends_with(1))
    assert "1 new" in site.command("scan")
    faults.record_refusal("full raw zone, during a scan")
