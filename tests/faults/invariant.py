"""Invariant after each fault and the next complete run, checked without the code of the package.

Discovered = loaded + duplicate + rejected + ignored + pending, with discovered from ``find``; each
file has exactly one row; the tables equal those of a clean run; the published file was readable at
all times.
"""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from tests.cloud.tables import Table, differences, tables
from tests.endtoend.conftest import Site, summary

from .archive import IGNORED
from .watch import Watch

RAW_TABLES = (
    "devices", "identity_terms", "images", "patients", "rejected_files", "series", "studies",
)  # fmt: skip
OUTCOMES = ("loaded", "duplicate", "rejected", "ignored", "pending")


@dataclass(frozen=True)
class Snapshot:
    """All tables of a site: parquet files read by pyarrow, databases read by DuckDB."""

    raw: dict[str, list[str]]
    stage: dict[str, Table]
    processed: dict[str, Table]
    published: dict[str, Table]
    run_info: list[tuple[Any, ...]]

    def differs_from(self, other: Snapshot) -> dict[str, Any]:
        """Return the differences by table."""
        found: dict[str, Any] = {}
        for name in RAW_TABLES:
            if self.raw[name] != other.raw[name]:
                odd = Counter(self.raw[name])
                odd.subtract(other.raw[name])
                found[f"raw {name}"] = [row for row, times in odd.items() if times][:2]
        if self.run_info != other.run_info:
            found["run_info"] = (self.run_info, other.run_info)
        pairs = {
            "stage": (self.stage, other.stage),
            "processed": (self.processed, other.processed),
            "published": (self.published, other.published),
        }
        for kind, (ours, theirs) in pairs.items():
            for table, what in differences(ours, theirs).items():
                found[f"{kind} {table}"] = what
        return found


def take_snapshot(site: Site) -> Snapshot:
    """Read all tables of a site, without the time of publication."""
    build = site.root / "warehouse" / "build.duckdb"
    with duckdb.connect(str(site.database), read_only=True) as connection:
        run_info = connection.execute(
            "select * from processed.run_info where name <> 'published_at' order by all"
        ).fetchall()
    return Snapshot(
        raw_rows(site.root / "raw"),
        tables(build, "stage"),
        tables(build, "processed"),
        tables(site.database, "processed"),
        run_info,
    )


def raw_rows(raw: Path) -> dict[str, list[str]]:
    """Return the rows of all raw tables, each with its partition."""
    return {
        table: sorted(
            str((path.parent.name, row))
            for path in (raw / table).rglob("data.parquet")
            for row in pq.ParquetFile(path).read().to_pylist()
        )
        for table in RAW_TABLES
    }


def found_in(landing: Path) -> list[str]:
    """Return every name in the landing zone that is not a directory, as ``find`` lists it."""
    listing = subprocess.run(
        ["find", ".", "!", "-type", "d", "-printf", "%P\\0"],
        cwd=landing,
        capture_output=True,
        check=True,
    )
    return [os.fsdecode(name) for name in listing.stdout.split(b"\0") if name]


def files_with_rows(raw: Path) -> Counter[str]:
    """Count the rows of each file in the raw zone; the expected count is 1."""
    return Counter(
        path
        for table in ("images", "rejected_files")
        for parquet in (raw / table).rglob("data.parquet")
        for path in pq.ParquetFile(parquet).read(["file_path"])["file_path"].to_pylist()
    )


def check_invariant(site: Site, clean: Snapshot, watch: Watch | None = None) -> int:
    """Check the invariant of a site.

    Parameters
    ----------
    site
        Site after the run that followed a fault.
    clean
        Tables of a clean run on the same landing zone with the same key.
    watch
        Concurrent reader of the published file.

    Returns
    -------
    int
        Number of lost files, always 0.

    Raises
    ------
    AssertionError
        If the invariant does not hold.
    """
    names = found_in(site.landing)
    counts = summary(site.command("status"))
    assert counts["found"] == len(names)
    assert counts["found"] == sum(counts[outcome] for outcome in OUTCOMES)
    assert counts["pending"] == 0
    rows = files_with_rows(site.root / "raw")
    expected = [name for name in names if name not in IGNORED]
    lost = [name for name in expected if not rows[name]]
    assert not lost
    assert rows == Counter(expected), "rows of deleted files, or two rows of one file"
    assert not take_snapshot(site).differs_from(clean)
    if watch is not None:
        assert not watch.errors, watch.errors[:3]
        assert watch.opened, "the published file was never read"
        assert len(watch.seen) <= 2, "the reader saw more than the old and the new tables"
    return len(lost)
