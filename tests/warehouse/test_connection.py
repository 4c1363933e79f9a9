"""Temporary files of DuckDB are in the warehouse directory, readable only by their owner."""

from __future__ import annotations

import ast
import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from dicom_pipeline.config.project import PACKAGE_DIR
from dicom_pipeline.warehouse.duckdb import cohort_query
from dicom_pipeline.warehouse.duckdb.cohort_query import QueryError, cohort_images
from dicom_pipeline.warehouse.duckdb.connection import in_memory

# sorts 240 MB in a connection that may use 100
LARGE_SORT = (
    "select max(text) from (select text, row_number() over (order by text) as n from"
    " (select sha256(range::varchar) as text from range(3000000)))"
)
LIMITS = "set memory_limit = '100MB'; set threads = 1"


class Watch(threading.Thread):
    """Records the temporary files below a directory, and whether others could read them."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root, self.found, self.exposed, self.over = root, set[str](), set[str](), False

    def run(self) -> None:
        while not self.over:
            for folder, _, names in os.walk(self.root):
                for name in names:
                    path = Path(folder, name)
                    self.found.add(str(path.relative_to(self.root)))
                    if not any(self._is_private(one) for one in (path, *path.parents)):
                        self.exposed.add(name)
            time.sleep(0.005)

    def _is_private(self, path: Path) -> bool:
        try:
            # pytest's own directories are private too
            inside = path == self.root / "warehouse" or self.root / "warehouse" in path.parents
            return inside and stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        except OSError:
            return True  # it is gone


def spill(connection: duckdb.DuckDBPyConnection, root: Path) -> Watch:
    watch = Watch(root)
    watch.start()
    try:
        connection.execute(LIMITS)
        connection.execute(LARGE_SORT).fetchall()
    finally:
        watch.over = True
        watch.join()
    return watch


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Current directory, with an ordinary umask, in which a warehouse directory is."""
    warehouse = tmp_path / "warehouse"
    warehouse.mkdir()
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o022)
    try:
        yield tmp_path
    finally:
        os.umask(before)


def test_a_query_that_exceeds_memory_writes_only_private_files_which_are_removed(
    root: Path,
) -> None:
    with in_memory(root / "warehouse") as connection:
        watch = spill(connection, root)
    assert watch.found
    assert all(name.startswith("warehouse/.duckdb-") for name in watch.found)
    assert not watch.exposed
    assert not any((root / "warehouse").iterdir())


def test_duckdb_by_itself_writes_into_the_current_directory(root: Path) -> None:
    """Otherwise, the test above shows nothing."""
    with duckdb.connect() as connection:
        watch = spill(connection, root)
    assert any(name.startswith(".tmp/") for name in watch.found)
    assert watch.exposed


def test_folders_of_killed_processes_are_removed_after_a_day(root: Path) -> None:
    old, new = root / "warehouse" / ".duckdb-1", root / "warehouse" / ".duckdb-2"
    for folder, age in ((old, 90_000), (new, 100)):
        folder.mkdir()
        os.utime(folder, (time.time() - age,) * 2)
    with in_memory(root / "warehouse"):
        assert not old.exists()
    assert new.exists()


def test_no_module_opens_a_database_in_memory_by_itself() -> None:
    opened = [
        str(path.relative_to(PACKAGE_DIR))
        for path in sorted(PACKAGE_DIR.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "duckdb.connect"
        and not node.args
    ]
    assert opened == ["warehouse/duckdb/connection.py"]


@pytest.fixture
def published(root: Path) -> Path:
    path = root / "dicom.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema processed")
    return path


def test_a_query_of_a_cohort_stops_after_its_time(published: Path) -> None:
    endless = "select count(*) as image_key from range(100000000000) as a, range(1000) as b"
    with pytest.raises(QueryError, match=r"took more than 0\.5 seconds; see --timeout"):
        cohort_images(published, endless, seconds=0.5)


def test_a_query_of_a_cohort_stops_at_its_memory_limit(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cohort_query._SANDBOX, "memory_limit", "100MB")
    with pytest.raises(QueryError, match=r"needs more than .* of memory"):
        cohort_images(published, LARGE_SORT.replace("max(text)", "max(text) as image_key"))
