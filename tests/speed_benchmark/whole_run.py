"""The whole pipeline: first runs of several sizes, then incremental runs.

Belongs here: sizes, incremental steps, the marginal cost of a file.
Does not belong here: running it (site) and the document (document).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from .corpus import Share, corpus, newest_day, scattered, shares_of, write
from .site import Site

KIND = "realistic"
ADDED = 1_000
_BEYOND = 1_000_000  # number of a series that is in no corpus


def measure(
    work: Path, sizes: list[int], seed: int, workers: int, log: Callable[[str], None]
) -> dict[str, Any]:
    """Measure first runs of all sizes, each followed by incremental runs."""
    runs = []
    for size in sizes:
        made = corpus(work, KIND, size, seed)
        site = Site(work / "site", workers)
        site.put(made.folder, made.names)
        sum(len(Path(path).read_bytes()) for path in made.paths)  # fills the page cache
        steps = {"first run": site.run()}
        log(f"{size:,} files: {steps['first run']['wall']:.1f} s")
        steps["0 new"] = site.run()
        for name, shares in _additions(seed, size).items():
            folder = work / "added"
            shutil.rmtree(folder, ignore_errors=True)
            site.put(folder, write(folder, KIND, seed, shares, 1))
            steps[name] = site.run()
        for name, step in steps.items():
            log(f"{size:,} files, {name}: {step['wall']:.1f} s, {step['read']} read")
        runs.append({"files": size, "images": site.images(), "steps": steps})
        shutil.rmtree(work / "site")
    return {"kind": KIND, "workers": workers, "runs": runs, "marginal": _marginal(runs)}


def _additions(seed: int, size: int) -> dict[str, list[Share]]:
    newest = newest_day(KIND, seed, size)
    one = Share(_BEYOND, 1, newest)
    many = [
        Share(share.number, share.count, newest)
        for share in shares_of(KIND, seed, ADDED, first=_BEYOND + 3)
    ]
    return {
        "1 new": [one],
        f"{ADDED:,} new in the newest month": many,
        f"{ADDED:,} new, scattered": list(scattered(KIND, seed, ADDED, _BEYOND)),
    }


def _marginal(runs: list[dict[str, Any]]) -> list[dict[str, float]]:
    """Return the milliseconds per additional file from one size to the next."""
    return [
        {
            "from": small["files"],
            "to": large["files"],
            "milliseconds": 1000
            * (large["steps"]["first run"]["wall"] - small["steps"]["first run"]["wall"])
            / (large["files"] - small["files"]),
        }
        for small, large in pairwise(runs)
    ]
