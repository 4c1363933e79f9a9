"""A disk that is full or read-only: one line says which and what to do, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.endtoend.conftest import Site

from .conftest import Faults
from .mounts import read_only, small
from .runs import Run, told
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
def test_a_full_disk_is_named_and_goes_on_when_there_is_room(
    zone: str, free: int, loaded: Site, faults: Faults
) -> None:
    with Watch(loaded.database) if zone != "published" else Watch(Path("/nowhere")) as watch:
        with small(loaded.root / zone, free=free):
            line = told(Run(loaded).ends_with(1))
            assert f"the disk of {SETTINGS[zone]} is full: free some space" in line
        # the file itself was carried to another disk and back, where the zone is its folder
        watched = watch if zone != "published" else None
        faults.recovered(f"full disk: {zone}", loaded, watched)


@pytest.mark.slow
@pytest.mark.parametrize("zone", ["raw", "published"])
def test_a_read_only_zone_is_named(zone: str, loaded: Site, faults: Faults) -> None:
    with read_only(loaded.root / zone):
        line = told(Run(loaded).ends_with(1))
        assert f"the disk of {SETTINGS[zone]} cannot be written: it is mounted read-only" in line
    faults.recovered(f"read-only file system: {zone}", loaded)


def test_a_read_only_raw_zone_is_named_by_a_scan(site: Site, faults: Faults) -> None:
    site.put("CT_small.dcm")
    (site.root / "raw").mkdir()
    with read_only(site.root / "raw"):
        assert "mounted read-only" in told(Run(site, "scan").ends_with(1))
    assert "1 new" in site.command("scan")
    faults.refused("read-only raw zone, by a scan")


def test_a_full_raw_zone_is_named_by_a_scan(site: Site, faults: Faults) -> None:
    site.put("CT_small.dcm")
    (site.root / "raw").mkdir()
    with small(site.root / "raw", free=0):
        (site.root / "raw" / "filler").write_bytes(bytes(4096))
        assert "DICOM_RAW_URI is full" in told(Run(site, "scan").ends_with(1))
    assert "1 new" in site.command("scan")
    faults.refused("full raw zone, by a scan")
