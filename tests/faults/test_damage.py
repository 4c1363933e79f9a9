"""Files of ours that are damaged: what is derived is made again, and what is not is named."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.endtoend.conftest import Site, summary

from .conftest import Faults
from .runs import Run, told
from .watch import Watch


def cut(path: Path) -> None:
    """As after a crash of the machine that the disk did not keep its word in."""
    _replace(path, path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    _replace(path, b"")


def overwritten(path: Path) -> None:
    """All of it is something else."""
    _replace(path, b"\xa5" * path.stat().st_size)


def middle(path: Path) -> None:
    """A third of it is something else, and its beginning and end are whole."""
    data = path.read_bytes()
    third = len(data) // 3
    _replace(path, data[:third] + b"\xa5" * third + data[2 * third :])


def a_column(path: Path) -> None:
    """One column of parquet is something else; the footer is whole."""
    chunk = pq.read_metadata(path).row_group(0).column(3)
    data = bytearray(path.read_bytes())
    begin = chunk.dictionary_page_offset or chunk.data_page_offset
    end = begin + chunk.total_compressed_size
    data[begin + 20 : end] = bytes(byte ^ 0xFF for byte in data[begin + 20 : end])
    _replace(path, bytes(data))


def _replace(path: Path, data: bytes) -> None:
    mode = path.stat().st_mode
    path.chmod(0o600)
    path.write_bytes(data)
    path.chmod(mode)


def largest(folder: Path, pattern: str) -> Path:
    return max(folder.glob(pattern), key=lambda path: path.stat().st_size)


def place_of(what: str, site: Site) -> Path:
    raw = site.root / "raw"
    if what == "manifest":
        return largest(raw / "manifests", "study_period=*.parquet")
    if what == "parquet":
        return largest(raw / "images", "*/data.parquet")
    if what == "terms":
        return largest(raw / "identity_terms", "*/data.parquet")
    warehouse = site.root / "warehouse"
    others = {
        "build": warehouse / "build.duckdb",
        "last run": warehouse / "last_run.json",
        "last scan": raw / "manifests" / "last_scan.json",
        "published": site.database,
    }
    return others[what]


def mended(fault: str, said: str, site: Site, faults: Faults, watch: Watch) -> None:
    """The next run mends it, or says in its one line that the one after it will."""
    run = Run(site)
    if run.process.wait(600):
        assert said in told(run.output)
        faults.recovered(fault, site, watch)
    else:
        faults.held(fault, site, time.monotonic() - run.began, watch)


@pytest.mark.slow
@pytest.mark.parametrize("harm", [cut, overwritten, a_column])
@pytest.mark.parametrize("what", ["manifest", "parquet", "terms"])
def test_parquet_that_is_damaged_is_made_again(
    what: str, harm: Callable[[Path], None], loaded: Site, faults: Faults
) -> None:
    harm(place_of(what, loaded))
    name = {"manifest": "manifest", "parquet": "raw parquet", "terms": "raw parquet"}[what]
    with Watch(loaded.database) as watch:
        mended(f"damaged {name}", "was damaged and is set aside: run again", loaded, faults, watch)


@pytest.mark.slow
@pytest.mark.parametrize("harm", [cut, empty, overwritten, middle])
def test_a_build_database_that_is_damaged_is_made_again(
    harm: Callable[[Path], None], loaded: Site, faults: Faults
) -> None:
    harm(place_of("build", loaded))
    with Watch(loaded.database) as watch:
        said = "the build database was damaged: run again"
        mended("damaged build database", said, loaded, faults, watch)


@pytest.mark.slow
@pytest.mark.parametrize("harm", [cut, empty, overwritten])
def test_a_published_file_that_is_damaged_is_published_again(
    harm: Callable[[Path], None], unchanged: Site, faults: Faults
) -> None:
    harm(unchanged.database)
    faults.recovered("damaged published file", unchanged)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["last run", "last scan"])
def test_notes_that_are_damaged_are_made_again(what: str, loaded: Site, faults: Faults) -> None:
    overwritten(place_of(what, loaded))
    faults.recovered("damaged notes of the last run or scan", loaded)


@pytest.mark.slow
def test_a_vault_that_is_damaged_is_named_and_made_again_from_the_key(
    loaded: Site, faults: Faults
) -> None:
    vault = loaded.root / "warehouse" / "vault.duckdb"
    overwritten(vault)
    with Watch(loaded.database) as watch:
        line = told(Run(loaded).ends_with(2))
        assert "vault.duckdb cannot be read; if no other process holds it, remove it" in line
        vault.unlink()
        faults.recovered("damaged vault", loaded, watch)


@pytest.mark.parametrize("harm", [cut, pytest.param(a_column, marks=pytest.mark.slow)])
def test_a_scan_makes_a_damaged_manifest_again(
    harm: Callable[[Path], None], site: Site, faults: Faults
) -> None:
    site.put("CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm")
    site.command("scan")
    manifest = place_of("manifest", site)
    files = pq.read_metadata(manifest).num_rows
    harm(manifest)
    if harm is cut:
        assert "to rebuild it, run: dicom-pipeline scan" in told(Run(site, "status").ends_with(1))
    assert f"3 files: {files} new, 0 changed" in site.command("scan")
    assert summary(site.command("status", code=1))["pending"] == 3
    faults.refused("damaged manifest, by a scan")
