"""A compressed day of arrivals: `dagster dev` with its sensors on, one burst per hour.

Belongs here: arrivals, and measurements of processes and files after each burst.
Does not belong here: checks of the results (verdict).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.orchestration.dev_server import DevServer, wait_for
from tests.speed_benchmark.corpus import Share, corpus, write
from tests.speed_benchmark.latency import wait_until_idle
from tests.speed_benchmark.process_tree import tree
from tests.speed_benchmark.site import Site

KIND = "short"
SEED = 2025
PATIENCE = 600.0
RETENTION_HOURS = 6  # retention of runs, in hours of the compressed day
SECONDS_PER_BURST = 60.0  # approximate seconds per burst
_BEYOND = 2_000_000
_PARTS = {
    "web server": "webserver",
    "daemon": "dagster._daemon",
    "code server": "code-server",
    "definitions": "api grpc",
}


def measure(
    work: Path, *, hours: int, files: int, workers: int, log: Callable[[str], None]
) -> dict[str, Any]:
    """Add files and delete one file in each hour.

    Returns
    -------
    dict
        ``samples``: after each burst the memory and open files of each process, and the size of
        each directory; ``images``: published rows; ``expected``: files in the landing zone.
    """
    made = corpus(work, KIND, files, SEED)
    site = Site(work / "site", workers)
    site.environment |= {
        "DICOM_MIN_FILE_AGE_SECONDS": "1",
        "DICOM_RUN_RETENTION_DAYS": str(RETENTION_HOURS * SECONDS_PER_BURST / 86_400),
    }
    site.put(made.folder, made.names)
    site.run()
    folder = work / "added"
    shutil.rmtree(folder, ignore_errors=True)
    there = list(made.names)
    samples = []
    with DevServer(site.environment, site.home, site.project) as server:
        server.toggle_on("file_arrival_sensor")
        server.toggle_on("automation_sensor")
        for hour in range(hours):
            new = write(folder, KIND, SEED, [Share(_BEYOND + 3 * hour, 20)], 1)
            site.put(folder, new)
            (site.landing / there.pop(0)).unlink()
            there += new
            took = wait_for(
                partial(_are_published, site, len(there)),
                seconds=PATIENCE,
                what="the published rows",
            )
            wait_until_idle(server)
            samples.append({"took": took, **_sample(site, server.process.pid)})
            log(f"hour {hour + 1}: {took:.0f} s; {_line(samples[-1])}")
    result = {"samples": samples, "expected": len(there), "images": site.images()}
    shutil.rmtree(site.landing.parent)
    return result


def _are_published(site: Site, files: int) -> bool:
    return site.images() == files


def _sample(site: Site, root: int) -> dict[str, Any]:
    processes: dict[str, dict[str, int]] = {}
    for process, memory in tree(root).items():
        try:
            line = Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            handles = len(os.listdir(f"/proc/{process}/fd"))
        except OSError:
            continue  # the process has ended
        name = next((name for name, word in _PARTS.items() if word in line), None)
        if name is not None:
            part = processes.setdefault(name, {"memory": 0, "handles": 0})
            part["memory"] += memory
            part["handles"] += handles
    places = {
        "Dagster's storage": site.home,
        "raw zone": site.landing.parent / "raw",
        "warehouse": site.landing.parent / "warehouse",
        "published file": site.database.parent,
        "dbt's artifacts": site.project / "dbt_snowflake" / "target",
    }
    return {
        "processes": processes,
        "places": {name: _size(path) for name, path in places.items()},
        "runs": len(list((site.home / "history" / "runs").glob("*-*.db"))),
    }


def _size(path: Path) -> int:
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except FileNotFoundError:
                continue
    return total


def _line(sample: dict[str, Any]) -> str:
    parts = [
        f"{name} {part['memory'] >> 20} MiB, {part['handles']} handles"
        for name, part in sample["processes"].items()
    ]
    places = [f"{name} {size / 1e6:.1f} MB" for name, size in sample["places"].items()]
    return "; ".join([*parts, *places, f"{sample['runs']} runs"])
