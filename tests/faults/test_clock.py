"""A clock that goes backwards, and files from the future."""

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
    """What a process preloads to have a clock that is off; times of files stay as they are."""
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    if COMPILER is None:
        pytest.skip("NOT TRIED: no C compiler is here to set a clock wrong")
    source = Path(__file__).with_name("clock.c")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return library


def shifted(clock: Path, days: int) -> dict[str, str]:
    """Variables for a process whose clock is off."""
    return {"LD_PRELOAD": str(clock), "CLOCK_OFF": str(days * DAY)}


def test_the_clock_of_these_tests_is_off(clock: Path) -> None:
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
def test_a_clock_that_was_off_for_a_run(
    days: int, clock: Path, loaded: Site, faults: Faults
) -> None:
    with Watch(loaded.database) as watch:
        assert files_read(Run(loaded, **shifted(clock, days)).ends_with(0)) == 17
        # what comes now is older than the last scan, by the clock
        new = loaded.landing / "late.dcm"
        new.write_bytes((loaded.landing / "first" / "i00000.dcm").read_bytes())
        assert "pending" in loaded.command("status", code=1)
        assert "should not happen" not in loaded.command("status", code=1)
        new.unlink()
        faults.recovered("clock set two days back, or forward", loaded, watch)


@pytest.mark.slow
def test_a_clock_that_is_set_back_between_a_kill_and_the_next_run(
    clock: Path, loaded: Site, faults: Faults
) -> None:
    with Watch(loaded.database) as watch:
        Run(loaded, **shifted(clock, 2)).kill_after(9)
        faults.recovered("clock set back after a `kill -9`", loaded, watch)


@pytest.mark.slow
def test_files_from_the_future(loaded: Site, faults: Faults) -> None:
    path = loaded.landing / "first" / "i00007.dcm"
    status = path.stat()
    later = time.time() + 10 * DAY
    os.utime(path, (later, later))
    assert files_read(loaded.run()) == 18
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    output = faults.recovered("files with times in the future, then in the past", loaded)
    assert files_read(output) == 1
