"""Time from the arrival of a file to its row in the published file, with `dagster dev`.

Belongs here: a server with both sensors on, files that arrive one by one, polling.
Does not belong here: the server itself (tests.orchestration.dev_server).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from tests.orchestration.dev_server import DevServer, wait_for

from .corpus import Share, corpus, write
from .site import Site

KIND = "realistic"
PATIENCE = 300.0
_BEYOND = 2_000_000


def measure(
    work: Path, files: int, rounds: int, seed: int, workers: int, log: Callable[[str], None]
) -> dict[str, Any]:
    """Measure the seconds for each of some files, with default settings."""
    made = corpus(work, KIND, files, seed)
    site = Site(work / "site", workers)
    site.put(made.folder, made.names)
    site.run()
    folder = work / "added"
    shutil.rmtree(folder, ignore_errors=True)
    names = write(folder, KIND, seed, [Share(_BEYOND + 3 * n, 1) for n in range(rounds)], 1)
    seconds = []
    with DevServer(site.environment, site.home, site.project) as server:
        server.toggle_on("file_arrival_sensor")
        server.toggle_on("automation_sensor")
        time.sleep(
            30
        )  # at least one tick of each sensor, so that runs they start at first have ended
        wait_until_idle(server)
        for name in names:
            before = site.images()
            target = site.landing / name
            target.parent.mkdir(parents=True)
            shutil.copyfile(folder / name, f"{target}.part")
            os.rename(f"{target}.part", target)
            took = wait_for(
                lambda before=before: site.images() == before + 1,  # type: ignore[misc]
                seconds=PATIENCE,
                what="the row",
            )
            log(f"published after {took:.1f} s")
            seconds.append(took)
            wait_until_idle(server)
    shutil.rmtree(work / "site")
    return {"files": files, "seconds": seconds, "median": median(seconds)}


def wait_until_idle(server: DevServer) -> None:
    ended = {"SUCCESS", "FAILURE", "CANCELED"}
    wait_for(
        lambda: {run["status"] for run in server.runs()} <= ended, seconds=PATIENCE, what="all runs"
    )
