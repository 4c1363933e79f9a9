"""Statistics of interleaved rounds: medians, ratios, ranges.

Belongs here: statistics of measured seconds.
Does not belong here: measurements (sections), and the document (document).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

Rounds = list[dict[str, Any]]


def interleaved(
    runs: Mapping[str, Callable[[], dict[str, Any]]], rounds: int, log: Callable[[str], None]
) -> dict[str, Rounds]:
    """Run all programs once per round; each round starts with another program."""
    found: dict[str, Rounds] = {name: [] for name in runs}
    names = list(runs)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            result = runs[name]()
            found[name].append(result)
            log(f"round {number + 1}, {name}: {result.get('wall', 0):.2f} s")
    return found


def ratio(
    other: Sequence[Mapping[str, float]], own: Sequence[Mapping[str, float]], what: str
) -> dict[str, float]:
    """Return the ratio of the other to the own time: median, minimum and maximum of all rounds."""
    ratios = [o[what] / max(mine[what], 1e-9) for o, mine in zip(other, own, strict=True)]
    return {
        "median": median(ratios), "least": min(ratios), "most": max(ratios), "rounds": len(ratios)
    }  # fmt: skip


def middle(rounds: Sequence[Mapping[str, float]], what: str) -> float:
    """Return the median of all rounds."""
    return median(each[what] for each in rounds)
