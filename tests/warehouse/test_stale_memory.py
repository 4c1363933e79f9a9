"""No file that leaves the private zone has what a process of DuckDB had in memory before.

DuckDB does not clear the unused parts of the blocks that it writes, so they may have texts of
patients that the process read earlier.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.warehouse.data_dictionary import Comments, RunInfo
from dicom_pipeline.warehouse.duckdb.connection import CLEAR_MEMORY, in_memory
from dicom_pipeline.warehouse.duckdb.publish import publish

TEXT = "MARLOQWE^ZYX"
STALE = re.compile(re.escape(TEXT * 2).encode())
TABLES = [f"processed_{number}" for number in range(3)]
COLUMNS = ("image_key", "header_key", "first", "number", "long_key", "uid")
COMMENTS = Comments(
    dict.fromkeys(TABLES, "A table."),
    {name: dict.fromkeys(COLUMNS, "A column.") for name in TABLES},
)
INFO = RunInfo("2026-01-02T03:04:05+00:00", "research", {"duckdb": "0"}, {"found": 3})
ATTEMPTS = 6


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw rows with a long text."""
    path = tmp_path_factory.mktemp("raw") / "raw.parquet"
    duckdb.execute(
        f"copy (select repeat('{TEXT}', 20) || (range % 50000) as raw, range as number,"
        f" md5((range % 70000)::varchar) as header_key from range(300000)) to '{path}'"
    )
    return path


def build(path: Path, raw: Path, config: dict[str, Any]) -> bytes:
    """Make tables without the text from the raw rows; return the bytes of the database."""
    with duckdb.connect(str(path), config={"threads": 2, **config}) as connection:
        connection.execute("create schema processed")
        for table in TABLES:
            connection.execute(
                f"""
                create table processed.{table} as
                with texts as (
                    select raw, min(number) as first from '{raw}' group by raw
                )
                select
                    sha256(raw) as image_key, header_key, first, number,
                    'x' || header_key as long_key, uuid()::varchar as uid
                from '{raw}' as rows inner join texts using (raw) order by image_key
                """
            )
        connection.execute("checkpoint")
    return path.read_bytes()


@pytest.fixture(scope="module")
def stale(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that DuckDB writes by itself; without stale memory the tests show nothing."""
    root = tmp_path_factory.mktemp("stale")
    for number in range(ATTEMPTS):
        path = root / f"{number}.duckdb"
        if STALE.search(build(path, raw, {})):
            return path
    pytest.fail("DuckDB wrote no stale memory: is it cleared now?")


def test_a_database_is_written_without_stale_memory(stale: Path, raw: Path, tmp_path: Path) -> None:
    assert STALE.search(stale.read_bytes())
    for number in range(3):
        assert not STALE.search(build(tmp_path / f"{number}.duckdb", raw, CLEAR_MEMORY))


def test_the_published_file_has_no_stale_memory(stale: Path, raw: Path, tmp_path: Path) -> None:
    """Neither that of the process which publishes, nor that in the blocks of the build database."""
    for number in range(3):
        build(tmp_path / f"{number}.duckdb", raw, {})  # fills the memory of this process
        database = tmp_path / f"published_{number}.duckdb"
        report = publish(stale, database, COMMENTS, INFO)
        assert set(report.rows.values()) == {300_000}
        assert not STALE.search(database.read_bytes())


def test_a_connection_in_memory_gives_memory_back_cleared(tmp_path: Path) -> None:
    with in_memory(tmp_path) as connection:
        for name, value in CLEAR_MEMORY.items():
            [(found,)] = connection.execute(f"select current_setting('{name}')").fetchall()
            assert (found, value) == ("1 byte", "1B")


def test_dbt_builds_with_the_same_settings() -> None:
    profile = yaml.safe_load((DBT_PROJECT_DIR / "config" / "profiles.yml").read_text())
    assert profile["dicom_pipeline"]["outputs"]["local"]["settings"] == CLEAR_MEMORY
