"""Repeated runs change nothing by themselves and read only changed files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dicom_pipeline.config.project import DBT_PROJECT_DIR

from .archive import write_instances
from .conftest import SAMPLE, SMALL_SAMPLE, Site, files_read, summary


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Site that was loaded once; the tests use it in order."""
    site = Site(tmp_path_factory.mktemp("steady"))
    site.put(*SMALL_SAMPLE)
    assert files_read(site.run()) == len(SMALL_SAMPLE)
    return site


@pytest.mark.slow  # the parity matrix covers most of it
def test_a_second_run_reads_no_file_and_publishes_only_a_deleted_file_again(steady: Site) -> None:
    before = steady.content()
    published = steady.database.stat()
    output = steady.run()
    assert files_read(output) == 0
    assert "nothing has changed since the run" in output
    assert steady.database.stat().st_ino == published.st_ino
    # a deleted published file is created again from the build database
    steady.database.unlink()
    output = steady.run()
    assert files_read(output) == 0
    assert "nothing has changed" not in output
    assert steady.content() == before


@pytest.mark.slow  # the parity matrix covers most of it
def test_a_run_reads_only_the_ten_new_files(steady: Site) -> None:
    before = steady.content()
    write_instances(steady.landing / "more", 10)
    assert files_read(steady.run(DBT_LOG_LEVEL_FILE="debug")) == 10
    after = steady.content()
    images = "processed.processed_images"
    assert len(after[images]) == len(before[images]) + 10
    assert set(before[images]) < set(after[images])
    shutil.rmtree(steady.landing / "more")
    # dbt used the partial parse of the first build
    logs = sorted(
        (DBT_PROJECT_DIR / "target").glob("dbt_tables-*/dbt.log"),
        key=lambda log: log.stat().st_mtime,
    )
    parsed = str(steady.root / "warehouse" / "partial_parse.msgpack")
    last = next(text for log in reversed(logs) if parsed in (text := log.read_text()))
    assert "UnableToPartialParse" not in last
    # 10 of 22 known files are gone: more than the guard lets pass without being asked
    assert "--accept-deletions" in steady.command("run", code=3)
    steady.command("scan", "--accept-deletions")
    assert files_read(steady.run()) == 0
    assert steady.content() == before


@pytest.mark.slow  # the parity matrix covers most of it
def test_rows_of_a_deleted_file_are_removed_and_return_with_the_file(
    steady: Site, tmp_path: Path
) -> None:
    before = steady.content()
    file = steady.landing / "MR_small.dcm"
    status = file.stat()
    twin = steady.landing / "MR_small_bigendian.dcm"  # the same instance, re-encoded
    for path in (file, twin):
        shutil.move(path, tmp_path / path.name)
    assert files_read(steady.run()) == 0
    images = "processed.processed_images"
    assert len(steady.content()[images]) == len(before[images]) - 1
    assert len(steady.content()["processed.processed_patients"]) < len(
        before["processed.processed_patients"]
    )
    for path in (file, twin):
        shutil.move(tmp_path / path.name, path)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert files_read(steady.run()) == 2
    assert steady.content() == before


@pytest.mark.slow
def test_the_remaining_duplicate_replaces_a_deleted_one_without_being_read(steady: Site) -> None:
    before = steady.content()
    first = steady.landing / "MR_small.dcm"
    first.unlink()
    output = steady.run()
    assert files_read(output) == 0
    assert summary(output)["duplicate"] == 0
    assert (
        steady.content()["processed.processed_patients"] == (before["processed.processed_patients"])
    )
    shutil.copy2(SAMPLE / "MR_small.dcm", first)
    assert files_read(steady.run()) == 1
    assert steady.content() == before
