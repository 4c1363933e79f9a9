"""``dagster dev`` or its daemon is killed during a run, and completes the work after a restart."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.endtoend.conftest import Site
from tests.orchestration.dev_server import DevServer, wait_for

from .conftest import Faults
from .invariant import take_snapshot
from .runs import members
from .watch import Watch


@pytest.mark.slow  # minutes
@pytest.mark.timeout(900)
@pytest.mark.parametrize("victim", ["daemon only", "all processes"])
def test_dagster_dev_recovers_after_a_kill_during_a_run(
    victim: str, loaded: Site, faults: Faults
) -> None:
    home = loaded.root / "dagster"

    def is_done() -> bool:
        published = loaded.ask("select count(*) from processed.processed_images")
        return published == images

    images = [(len(faults.clean.published["processed_images"][1]),)]
    assert not is_done()
    with Watch(loaded.database) as watch:
        with DevServer(loaded.environment, home) as server:
            server.toggle_on("file_arrival_sensor")
            server.toggle_on("automation_sensor")
            wait_for(
                lambda: any(run["status"] == "STARTED" for run in server.runs()),
                seconds=240,
                what="a run",
            )
            group = server.process.pid
            for member in list(members(group)):
                if victim == "all processes" or "daemon" in member.command:
                    os.kill(member.pid, signal.SIGKILL)
            time.sleep(2)
        for member in list(members(group)):
            os.kill(member.pid, signal.SIGKILL)
        began = time.monotonic()
        with DevServer(loaded.environment, home):
            wait_for(is_done, seconds=400, what="the published file")
            # a second batch may follow the first one
            wait_for(
                lambda: not snapshot_differs(loaded, faults), seconds=300, what="all the tables"
            )
        seconds = time.monotonic() - began
        faults.check(f"`kill -9` of `dagster dev` during a run: {victim}", loaded, seconds, watch)


def snapshot_differs(site: Site, faults: Faults) -> bool:
    try:
        return bool(take_snapshot(site).differs_from(faults.clean))
    except Exception:  # another process is writing
        return True
