"""``dagster dev``, or its daemon, is killed while a run goes on; started again, all is done."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.endtoend.conftest import Site
from tests.orchestration.dev_server import DevServer, wait_for

from .conftest import Faults
from .invariant import picture
from .runs import members
from .watch import Watch


@pytest.mark.slow  # minutes
@pytest.mark.timeout(900)
@pytest.mark.parametrize("victim", ["the daemon alone", "all of it"])
def test_the_daemon_is_killed_while_a_run_goes_on(
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
                if victim == "all of it" or "daemon" in member.command:
                    os.kill(member.pid, signal.SIGKILL)
            time.sleep(2)
        for member in list(members(group)):
            os.kill(member.pid, signal.SIGKILL)
        began = time.monotonic()
        with DevServer(loaded.environment, home):
            wait_for(is_done, seconds=400, what="the published file")
            # another batch may follow the first one
            wait_for(
                lambda: not picture_differs(loaded, faults), seconds=300, what="all the tables"
            )
        seconds = time.monotonic() - began
        faults.held(f"`kill -9` of `dagster dev` during a run: {victim}", loaded, seconds, watch)


def picture_differs(site: Site, faults: Faults) -> bool:
    try:
        return bool(picture(site).differs_from(faults.clean))
    except Exception:  # somebody writes
        return True
