"""Damaged files of the pipeline: derived files are rebuilt, other files are reported."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.endtoend.conftest import Site, summary

from .conftest import Faults
from .runs import Run, error_line
from .watch import Watch


def cut(path: Path) -> None:
    """Truncate the file, as a machine crash can when the disk loses written data."""
    _replace(path, path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    _replace(path, b"")


def overwritten(path: Path) -> None:
    """Overwrite the whole file."""
    _replace(path, b"\xa5" * path.stat().st_size)


def middle(path: Path) -> None:
    """Overwrite the middle third; the beginning and the end stay valid."""
    data = path.read_bytes()
    third = len(data) // 3
    _replace(path, data[:third] + b"\xa5" * third + data[2 * third :])


def a_column(path: Path) -> None:
    """Overwrite one column of a parquet file; the footer stays valid."""
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


def path_of(what: str, site: Site) -> Path:
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


def recover_within_two_runs(
    fault: str, said: str, site: Site, faults: Faults, watch: Watch
) -> None:
    """Check that the next run recovers, or reports in one line that the run after it will."""
    run = Run(site)
    if run.process.wait(600):
        assert said in error_line(run.output)
        faults.recover(fault, site, watch)
    else:
        faults.check(fault, site, time.monotonic() - run.began, watch)


@pytest.mark.slow
@pytest.mark.parametrize("harm", [cut, overwritten, a_column])
@pytest.mark.parametrize("what", ["manifest", "parquet", "terms"])
def test_damaged_parquet_is_rebuilt(
    what: str, harm: Callable[[Path], None], loaded: Site, faults: Faults
) -> None:
    harm(path_of(what, loaded))
    name = {"manifest": "manifest", "parquet": "raw parquet", "terms": "raw parquet"}[what]
    with Watch(loaded.database) as watch:
        recover_within_two_runs(
            f"damaged {name}", "corrupt and are in quarantine: run again", loaded, faults, watch
        )


@pytest.mark.slow
@pytest.mark.parametrize("harm", [cut, empty, overwritten, middle])
def test_a_damaged_build_database_is_rebuilt(
    harm: Callable[[Path], None], loaded: Site, faults: Faults
) -> None:
    harm(path_of("build", loaded))
    with Watch(loaded.database) as watch:
        said = "the build database was corrupt and is removed: run again"
        recover_within_two_runs("damaged build database", said, loaded, faults, watch)


@pytest.mark.slow
@pytest.mark.parametrize("harm", [cut, empty, overwritten])
def test_a_damaged_published_file_is_published_again(
    harm: Callable[[Path], None], unchanged: Site, faults: Faults
) -> None:
    harm(unchanged.database)
    faults.recover("damaged published file", unchanged)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["last run", "last scan"])
def test_damaged_records_of_the_last_run_and_scan_are_rewritten(
    what: str, loaded: Site, faults: Faults
) -> None:
    overwritten(path_of(what, loaded))
    faults.recover("damaged `last_run.json` or `last_scan.json`", loaded)


@pytest.mark.slow
def test_a_damaged_vault_is_reported_and_rebuilt_from_the_key(loaded: Site, faults: Faults) -> None:
    vault = loaded.root / "warehouse" / "vault.duckdb"
    overwritten(vault)
    with Watch(loaded.database) as watch:
        line = error_line(Run(loaded).ends_with(2))
        assert "vault.duckdb cannot be read; if no other process holds it, remove it" in line
        vault.unlink()
        faults.recover("damaged vault", loaded, watch)


@pytest.mark.parametrize("harm", [cut, pytest.param(a_column, marks=pytest.mark.slow)])
def test_a_scan_rebuilds_a_damaged_manifest(
    harm: Callable[[Path], None], site: Site, faults: Faults
) -> None:
    site.put("CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm")
    site.command("scan")
    manifest = path_of("manifest", site)
    files = pq.read_metadata(manifest).num_rows
    harm(manifest)
    if harm is cut:
        assert "to rebuild it, run: dicom-pipeline scan" in error_line(
            Run(site, "status").ends_with(1)
        )
    assert f"3 files: {files} new, 0 changed" in site.command("scan")
    assert summary(site.command("status", code=1))["pending"] == 3
    faults.record_refusal("damaged manifest, found by a scan")
