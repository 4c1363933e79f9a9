"""``kill -9`` of a run, of a worker or of one process: the next run recovers."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.endtoend.conftest import Site, files_read

from .conftest import Faults, SiteFactory
from .runs import Run, dbt, workers
from .watch import Watch

POINTS = 20
SEED = 20_240_229


@pytest.mark.slow  # a killed run and a recovery, 20 times
@pytest.mark.parametrize("number", range(POINTS))
def test_the_next_run_recovers_from_a_kill_at_a_random_point(
    number: int, sites: SiteFactory, faults: Faults, tmp_path: Path
) -> None:
    # spread over the length of a run, at random within equal intervals
    share = (number + random.Random(SEED + number).random()) / POINTS
    for earlier in range(12):  # a late point may be after the end of a faster run
        site = (sites.loaded if number % 2 else sites.empty)(tmp_path / f"site{earlier}")
        with Watch(site.database) as watch:
            if Run(site).kill_after(share * sites.changed.seconds * 0.9**earlier):
                faults.recover("`kill -9` of a run at a random point", site, watch)
                return
    pytest.fail("the run was always over before it could be killed")


def changed_files(site: Site) -> dict[str, set[tuple[str, int]]]:
    """Return table and inode of the parquet files of each partition."""
    found: dict[str, set[tuple[str, int]]] = {}
    for table in os.scandir(site.root / "raw"):
        if table.is_dir() and table.name not in ("manifests", "purged", "review"):
            for partition in os.scandir(table.path):
                try:
                    inode = os.stat(f"{partition.path}/data.parquet").st_ino
                except OSError:
                    continue
                found.setdefault(partition.name, set()).add((table.name, inode))
    return found


def half_written(site: Site, before: dict[str, set[tuple[str, int]]]) -> bool:
    """Return whether a partition has both new and old tables, or lacks tables."""
    for partition, files in changed_files(site).items():
        new = len(files - before.get(partition, set()))
        if 0 < new < 7:
            return True
    return False


def test_the_next_run_recovers_from_a_kill_while_workers_read_headers(
    loaded: Site, faults: Faults
) -> None:
    with Watch(loaded.database) as watch:
        run = Run(loaded)
        assert run.kill_when(lambda: bool(workers(run.process.pid)))
        faults.recover("`kill -9` while workers read headers", loaded, watch)


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(3))
def test_the_next_run_recovers_from_a_kill_between_two_tables_of_a_partition(
    attempt: int, sites: SiteFactory, faults: Faults, tmp_path: Path
) -> None:
    for again in range(6):
        site = sites.loaded(tmp_path / f"site{again}")
        before = changed_files(site)
        with Watch(site.database) as watch:
            Run(site).kill_when(lambda: half_written(site, before))  # noqa: B023 - used at once
            if not half_written(site, before):
                continue  # the run was faster than the signal
            faults.recover("`kill -9` between two renames of parquet", site, watch)
            return
    pytest.fail("no run was killed between two renames")


@pytest.mark.slow
def test_the_next_run_recovers_from_a_kill_between_two_manifests(
    sites: SiteFactory, faults: Faults, tmp_path: Path
) -> None:
    def inodes(site: Site) -> set[tuple[str, int]]:
        folder = site.root / "raw" / "manifests"
        return {(e.name, e.inode()) for e in os.scandir(folder) if e.name.startswith("study")}

    for again in range(8):
        site = sites.loaded(tmp_path / f"site{again}")
        before = inodes(site)
        with Watch(site.database) as watch:
            Run(site).kill_when(lambda: inodes(site) != before)  # noqa: B023 - used at once
            there = len(inodes(site) - before)
            if there < 5:  # of twelve
                faults.recover("`kill -9` between two manifests", site, watch)
                return
    pytest.fail("no scan was killed between two manifests")


@pytest.mark.parametrize(
    "later", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (0, 4, 6))]
)
def test_the_next_run_recovers_from_a_kill_while_dbt_builds(
    later: float, loaded: Site, faults: Faults
) -> None:
    seen: list[float] = []

    def building() -> bool:
        if dbt(run.process.pid):
            seen.append(time.monotonic())
        return bool(seen) and seen[-1] - seen[0] >= later

    with Watch(loaded.database) as watch:
        run = Run(loaded)
        assert run.kill_when(building)
        output = faults.recover("`kill -9` while dbt builds", loaded, watch)
    assert files_read(output) == 0


@pytest.mark.slow
def test_the_next_run_recovers_when_dbt_continues_after_the_kill(
    loaded: Site, faults: Faults
) -> None:
    with Watch(loaded.database) as watch:
        run = Run(loaded)
        while not dbt(run.process.pid):
            assert not run.is_over
            time.sleep(0.002)
        os.kill(run.process.pid, signal.SIGKILL)
        run.process.wait()
        faults.recover("`kill -9` of the run alone while its dbt continues", loaded, watch)


@pytest.mark.slow
def test_the_next_run_recovers_from_a_kill_while_publishing(loaded: Site, faults: Faults) -> None:
    def publishing() -> bool:
        return any(e.name.endswith(".tmp") for e in os.scandir(loaded.database.parent))

    with Watch(loaded.database) as watch:
        assert Run(loaded).kill_when(publishing)
        output = faults.recover("`kill -9` while the published file is written", loaded, watch)
    assert files_read(output) == 0
    left = {path.name for path in loaded.database.parent.iterdir()}
    assert left == {"dicom.duckdb"}


@pytest.mark.slow
@pytest.mark.parametrize("which", [0, 1])
def test_a_killed_worker_loses_no_file(which: int, empty: Site, faults: Faults) -> None:
    run = Run(empty)
    while len(workers(run.process.pid)) <= which:
        assert not run.is_over
        time.sleep(0.002)
    victim = workers(run.process.pid)[which].pid
    time.sleep(0.4 * which)
    os.kill(victim, signal.SIGKILL)
    began = time.monotonic()
    run.ends_with(0)
    faults.check("`kill -9` of one pool worker; the run continues", empty, time.monotonic() - began)
