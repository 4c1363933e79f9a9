"""Bursts of files, each followed by a run, with active readers; then many partitions at once.

Belongs here: arrivals and measurements. Does not belong here: readers, tables.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from tests.speed_benchmark.corpus import Corpus, corpus, shares_of
from tests.speed_benchmark.series import day_of
from tests.speed_benchmark.site import Site

from .readers import Readers

KIND = "short"
SEED = 2024


def measure(
    work: Path, *, files: int, bursts: int, changed: int, readers: int, workers: int,
    log: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """Load an archive in bursts, then change a file in each of some partitions at once.

    Returns
    -------
    dict
        ``runs``: figures of each run; ``readers`` and ``trouble``: counts of the readers;
        ``expected``: number of files; ``images``: published rows; ``status``: output of `status`.
    """
    made = corpus(work, KIND, files, SEED)
    site = Site(work / "site", workers)
    site.environment |= {"DICOM_PARTITION_BY": "day"}
    names = _by_day(made, files)
    runs = []
    with Readers(site.database, readers) as watching:
        for number in range(bursts):
            part = names[number * files // bursts : (number + 1) * files // bursts]
            site.put(made.folder, part)
            runs.append(_run(site, f"burst {number + 1}", len(part), log))
        touched = _touch(site, made, changed)
        runs.append(_run(site, f"a file in each of {touched} partitions", touched, log))
        runs.append(_run(site, "nothing new", 0, log))
    result = {
        "runs": runs,
        "readers": dict(watching.counts),
        "trouble": watching.trouble,
        "expected": files,
        "images": site.images(),
        "status": _status(site),
    }
    shutil.rmtree(site.landing.parent)
    return result


def _by_day(made: Corpus, files: int) -> list[str]:
    """Return names in the order of study dates, in which archives are usually transferred."""
    names = iter(made.names)
    parts = [
        (day_of(KIND, SEED, share.number), list(islice(names, share.count)))
        for share in shares_of(KIND, SEED, files)
    ]
    return [name for _, part in sorted(parts) for name in part]


def _run(site: Site, what: str, expected: int, log: Callable[[str], None]) -> dict[str, Any]:
    done = site.run()
    log(
        f"{what}: {done['read']} files read in {done['wall']:.0f} s, {done['peak'] / 2**30:.1f} GiB"
    )
    return {
        "what": what, "expected": expected, "read": done["read"], "seconds": done["wall"],
        "peak": done["peak"], "stages": done["stages"],
    }  # fmt: skip


def _touch(site: Site, made: Corpus, partitions: int) -> int:
    """Replace the first file of a series by a copy, in a number of partitions."""
    first: dict[str, str] = {}
    for name in made.names:
        first.setdefault(os.path.dirname(name), name)
    chosen: Sequence[str] = list(first.values())[:: max(1, len(first) // partitions)][:partitions]
    for name in chosen:
        target = site.landing / name
        # the file is a link to the corpus, so a copy is changed
        shutil.copyfile(target, f"{target}.part")
        os.replace(f"{target}.part", target)
    return len(chosen)


def _status(site: Site) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dicom_pipeline.cli", "status"],
        env={**os.environ, **site.environment, "PYTHONPATH": str(site.project)},
        cwd=site.project,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout
