"""Tables of the results, and checks of the results.

Belongs here: texts and limits. Does not belong here: measurements.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from tests.speed_benchmark.document import table

# permitted growth between noon and the end of the day: caches fill, files are added
GROWTH = 1.25
GIB = 2**30
# these grow with the archive
OF_THE_ARCHIVE = ("raw zone", "warehouse", "published file")


def of_bursts(found: dict[str, Any]) -> str:
    """Return a table with one row per run, and the counts of the readers."""
    rows = [
        (
            run["what"],
            f"{run['read']:,}",
            f"{run['seconds']:.0f} s",
            f"{run['peak'] / 2**30:.1f} GiB",
        )
        for run in found["runs"]
    ]
    readers = found["readers"]
    return "\n".join([
        table(("arrivals", "files read", "run", "peak memory"), rows),
        f"Readers: {readers.get('answers', 0):,} answers, {readers.get('publications', 0)} changes "
        f"seen, {sum(found['trouble'].values())} errors. Rows of images at the end: "
        f"{found['images']:,} of {found['expected']:,} files.",
    ])  # fmt: skip


def of_day(found: dict[str, Any]) -> str:
    """Return a table of memory, open files and sizes by quarter of the day."""
    samples = found["samples"]
    rows = [
        (what, *(f"{figure:,.0f} {unit}".strip() for figure in quarters(series)))
        for what, unit, series in _series(samples)
    ]
    took = [sample["took"] for sample in samples]
    return "\n".join([
        table(("", "first quarter", "second", "third", "last"), rows),
        f"{len(samples)} bursts; from the arrival of a burst to its published rows "
        f"{median(took):.0f} s (median), {max(took):.0f} s at most. Rows at the end: "
        f"{found['images']:,} of {found['expected']:,} files.",
    ])  # fmt: skip


def wrong_with_bursts(found: dict[str, Any]) -> list[str]:
    """Return the failures of the bursts."""
    wrong = [f"readers: {n} x {kind}" for kind, n in found["trouble"].items()]
    wrong += [
        f"{run['what']}: {run['read']} files read, {run['expected']} came"
        for run in found["runs"]
        if run["read"] != run["expected"]
    ]
    if found["images"] != found["expected"]:
        wrong.append(f"{found['images']} images of {found['expected']} files")
    if "nothing to do" not in found["status"]:
        wrong.append("status: there are unprocessed changes")
    return wrong


def wrong_with_day(found: dict[str, Any]) -> list[str]:
    """Return unexpected growth and lost files."""
    wrong = []
    for what, _, series in _series(found["samples"]):
        _, second, _, last = quarters(series)
        if what not in OF_THE_ARCHIVE and last > GROWTH * second:
            wrong.append(f"{what}: {second:,.0f} before noon, {last:,.0f} at the end")
    if found["images"] != found["expected"]:
        wrong.append(f"{found['images']} images of {found['expected']} files")
    return wrong


def quarters(series: Sequence[float]) -> list[float]:
    """Return the median of each quarter."""
    size = len(series)
    return [median(series[i * size // 4 : max(i * size // 4 + 1, (i + 1) * size // 4)])
            for i in range(4)]  # fmt: skip


def _series(samples: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str, list[float]]]:
    for name in samples[0]["processes"]:
        parts = [sample["processes"].get(name, {"memory": 0, "handles": 0}) for sample in samples]
        yield f"{name}: memory", "MiB", [part["memory"] / 2**20 for part in parts]
        yield f"{name}: open files", "", [part["handles"] for part in parts]
    yield "runs that Dagster keeps", "", [sample["runs"] for sample in samples]
    for name in samples[0]["places"]:
        yield name, "kB", [sample["places"][name] / 1000 for sample in samples]
