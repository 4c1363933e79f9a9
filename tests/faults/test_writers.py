"""Concurrent writers and foreign lock holders: a run waits, and none waits forever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.endtoend.conftest import Site, files_read

from .conftest import Faults
from .invariant import check_invariant
from .runs import Run, workers
from .watch import Watch

HOLD_LOCK = """
import sys, time
from pathlib import Path
from dicom_pipeline.common.locks import writer_lock
with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""
HOLD_BUILD = """
import duckdb, sys, time
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(600)
"""


def holder(script: str, site: Site, what: str) -> subprocess.Popen[str]:
    """Start a process that holds a lock or a database and has reported it."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(site.root / what)],
        env={**os.environ, "PYTHONPATH": str(site.project)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline().strip() == "held"
    return process


@pytest.mark.slow
@pytest.mark.parametrize("state", ["loaded", "empty"])
@pytest.mark.parametrize("apart", [0.0, 4.0])
def test_two_concurrent_runs_load_every_file_once(
    state: str, apart: float, request: pytest.FixtureRequest, faults: Faults
) -> None:
    site: Site = request.getfixturevalue(state)
    began = time.monotonic()
    with Watch(site.database) as watch:
        one = Run(site)
        time.sleep(apart)
        two = subprocess.Popen(
            [sys.executable, "-m", "dicom_pipeline.cli", "run"],
            cwd=site.project,
            env={**os.environ, **site.environment, "PYTHONPATH": str(site.project)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        other, _ = two.communicate(timeout=600)
        assert two.returncode == 0, other
        read = files_read(one.ends_with(0)) + files_read(other)
        assert read == (17 if state == "loaded" else 74)
        seconds = time.monotonic() - began
        check_invariant(site, faults.clean, watch)
    faults.check("two concurrent runs on the same data", site, seconds)


@pytest.mark.slow
def test_a_run_waits_while_another_process_holds_the_build_database(
    loaded: Site, faults: Faults
) -> None:
    process = holder(HOLD_BUILD, loaded, "warehouse/build.duckdb")
    with Watch(loaded.database) as watch:
        run = Run(loaded)
        time.sleep(15)
        assert not run.is_over
        process.kill()
        process.wait()
        began = time.monotonic()
        run.ends_with(0)
        seconds = time.monotonic() - began
        faults.check("another process holds the build database", loaded, seconds, watch)


@pytest.mark.slow
def test_a_run_that_is_killed_with_the_lock_releases_it(loaded: Site, faults: Faults) -> None:
    run = Run(loaded)
    while not workers(run.process.pid):
        assert not run.is_over
        time.sleep(0.002)
    os.kill(run.process.pid, signal.SIGKILL)  # only this process: its workers could keep the lock
    run.process.wait()
    with Watch(loaded.database) as watch:
        output = faults.recover("`kill -9` of the lock holder", loaded, watch)
    assert "waiting" not in output


def test_a_scan_waits_for_the_lock_and_gets_it_when_its_holder_is_killed(
    site: Site, faults: Faults
) -> None:
    site.put("CT_small.dcm")
    process = holder(HOLD_LOCK, site, "warehouse")
    scan = Run(site, "scan")
    time.sleep(2)
    assert not scan.is_over
    process.kill()
    process.wait()
    assert "another run is writing: waiting for it to end" in scan.ends_with(0, seconds=20)
    faults.record_refusal("lock holder killed while a scan waits")
