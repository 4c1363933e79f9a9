"""Numbers of interleaved rounds: medians, ratios, spread.

Belongs here: what is made of measured seconds.
Does not belong here: measuring them (sections), and the form of the document (document).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

Rounds = list[dict[str, Any]]


def interleaved(
    runs: Mapping[str, Callable[[], dict[str, Any]]], rounds: int, say: Callable[[str], None]
) -> dict[str, Rounds]:
    """Run everything once a round, each round beginning with another one."""
    found: dict[str, Rounds] = {name: [] for name in runs}
    names = list(runs)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            result = runs[name]()
            found[name].append(result)
            say(f"round {number + 1}, {name}: {result.get('wall', 0):.2f} s")
    return found


def ratio(
    other: Sequence[Mapping[str, float]], own: Sequence[Mapping[str, float]], what: str
) -> dict[str, float]:
    """How many times ours the other needs: median, least and most of all rounds."""
    ratios = [o[what] / max(mine[what], 1e-9) for o, mine in zip(other, own, strict=True)]
    return {
        "median": median(ratios), "least": min(ratios), "most": max(ratios), "rounds": len(ratios)
    }  # fmt: skip


def middle(rounds: Sequence[Mapping[str, float]], what: str) -> float:
    """Median of all rounds."""
    return median(each[what] for each in rounds)
