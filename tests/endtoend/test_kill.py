"""``kill -9`` in the middle of a run, then a second run: the tables of a clean one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .archive import write_instances
from .conftest import Site, files_read

FILES = 900


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The same files, loaded without trouble."""
    site = Site(tmp_path_factory.mktemp("clean"))
    write_instances(site.landing, FILES, series=24)
    assert files_read(site.run()) == FILES
    return site


@pytest.fixture
def victim(clean: Site, tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.share_key_of(clean)
    shutil.copytree(clean.landing, site.landing, dirs_exist_ok=True)
    return site


def kill_when(site: Site, ready: Callable[[int], bool]) -> None:
    """Start a run and kill its process, and that alone, as soon as it is where we want it."""
    process = site.start("run")
    deadline = time.monotonic() + 120
    while not ready(process.pid):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def children(pid: int) -> list[str]:
    """Command lines of the processes that a process started."""
    listing = subprocess.run(
        ["ps", "-ww", "--ppid", str(pid), "-o", "args="],
        capture_output=True,
        text=True,
        check=False,
    )
    return listing.stdout.splitlines()


def written(site: Site) -> int:
    return len(list((site.root / "raw" / "images").glob("study_period=2*/data.parquet")))


@pytest.mark.slow  # a minute
def test_killed_during_extraction(clean: Site, victim: Site) -> None:
    def extracting(pid: int) -> bool:
        return any("multiprocessing" in line for line in children(pid))

    kill_when(victim, extracting)
    assert written(victim) == 0
    assert files_read(victim.run()) == FILES
    assert victim.content() == clean.content()


@pytest.mark.slow
def test_killed_between_the_parquet_of_two_partitions(clean: Site, victim: Site) -> None:
    kill_when(victim, lambda pid: written(victim) >= 2)
    assert files_read(victim.run()) <= FILES
    assert victim.content() == clean.content()


@pytest.mark.slow
def test_killed_after_all_parquet_is_written(clean: Site, victim: Site) -> None:
    kill_when(victim, lambda pid: written(victim) == 12)
    assert files_read(victim.run()) == 0
    assert victim.content() == clean.content()


@pytest.mark.slow  # a minute
def test_killed_during_dbt_which_goes_on_without_us(clean: Site, victim: Site) -> None:
    def building(pid: int) -> bool:
        return any("dbt build" in line for line in children(pid))

    kill_when(victim, building)
    assert files_read(victim.run()) == 0
    assert victim.content() == clean.content()


@pytest.mark.slow  # a minute
def test_dagsters_storage_is_lost(clean: Site, victim: Site) -> None:
    victim.run()
    shutil.rmtree(victim.root / "dagster")
    assert files_read(victim.run()) == 0
    assert victim.content() == clean.content()
