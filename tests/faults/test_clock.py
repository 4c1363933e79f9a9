"""Faults of the clock: it jumps backwards or forward, or files have times in the future."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.endtoend.conftest import Site, files_read

from .conftest import Faults
from .runs import Run
from .watch import Watch

DAY = 86_400
COMPILER = shutil.which("cc")


@pytest.fixture(scope="session")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Library that shifts the clock of a process that preloads it; file times stay correct."""
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    if COMPILER is None:
        pytest.skip("NOT TRIED: no C compiler, which is needed to shift the clock")
    source = Path(__file__).with_name("clock.c")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return library


def shifted(clock: Path, days: int) -> dict[str, str]:
    """Return the variables for a process with a shifted clock."""
    return {"LD_PRELOAD": str(clock), "CLOCK_OFF": str(days * DAY)}


def test_the_preloaded_library_shifts_the_clock(clock: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import time; time.sleep(0.1); print(time.time())"],
        env={**os.environ, **shifted(clock, -2)},
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert -2.01 * DAY < float(said.stdout) - time.time() < -1.99 * DAY


@pytest.mark.slow
@pytest.mark.parametrize("days", [2, -2])
def test_the_next_run_recovers_from_a_run_with_a_wrong_clock(
    days: int, clock: Path, loaded: Site, faults: Faults
) -> None:
    with Watch(loaded.database) as watch:
        assert files_read(Run(loaded, **shifted(clock, days)).ends_with(0)) == 17
        # by the clock, this file is older than the last scan
        new = loaded.landing / "late.dcm"
        new.write_bytes((loaded.landing / "first" / "i00000.dcm").read_bytes())
        assert "pending" in loaded.command("status", code=1)
        assert "this is a bug" not in loaded.command("status", code=1)
        new.unlink()
        faults.recover("clock set two days back or forward", loaded, watch)


@pytest.mark.slow
def test_the_next_run_recovers_when_the_clock_was_set_back_after_a_kill(
    clock: Path, loaded: Site, faults: Faults
) -> None:
    with Watch(loaded.database) as watch:
        Run(loaded, **shifted(clock, 2)).kill_after(9)
        faults.recover("clock set back after a `kill -9`", loaded, watch)


@pytest.mark.slow
def test_files_with_future_times_are_loaded_and_read_again_when_corrected(
    loaded: Site, faults: Faults
) -> None:
    path = loaded.landing / "first" / "i00007.dcm"
    status = path.stat()
    later = time.time() + 10 * DAY
    os.utime(path, (later, later))
    assert files_read(loaded.run()) == 18
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    output = faults.recover("files with future times, then with their old times", loaded)
    assert files_read(output) == 1
