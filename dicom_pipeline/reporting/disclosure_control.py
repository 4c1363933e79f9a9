"""Counts of small groups of people are merged with their neighbours before anybody sees them.

Belongs here: merging, so that no count under a limit is shown nor follows from what is shown.
Does not belong here: what is counted, and drawing (pictures).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LEAST = 11
OTHER = "other"


@dataclass(frozen=True)
class Span:
    """Months in a row, and what was counted in them by name; ``other`` has what was merged."""

    months: tuple[str, ...]
    counts: Mapping[str, int]

    @property
    def label(self) -> str:
        """The months, as they are written below a bar."""
        dated = [month for month in self.months if month[0].isdigit()]
        ends = [f"{dated[0]} to {dated[-1]}" if len(dated) > 1 else dated[0]] if dated else []
        return " and ".join([*ends, *(month for month in self.months if month not in dated)])


def by_name(spans: Sequence[Span]) -> dict[str, list[int]]:
    """Counts of each name along the spans, ``other`` the last; 0 where a span has none of it."""
    names = sorted({n for span in spans for n in span.counts}, key=lambda n: (n == OTHER, n))
    return {name: [span.counts.get(name, 0) for span in spans] for name in names}


def merged(cells: Mapping[tuple[str, str], int], least: int = LEAST) -> list[Span]:
    """Merge small cells of a table of months and names.

    Months are merged with those after them until a span has enough, the last with the one before.
    In a span the small names become ``other``, and if that is small too, the smallest of the rest
    goes there as well. What has no date is merged with the last months.

    Parameters
    ----------
    cells
        Count by month (or ``undated``) and name. Months are in order as texts.
    least
        The smallest count that may be shown.

    Returns
    -------
    list of Span
        In order of time; none if all there is would be a small cell.
    """
    months: dict[str, Counter[str]] = {}
    for (month, name), count in cells.items():
        if count:
            months.setdefault(month, Counter())[name] += count
    # undated, as a word, stands behind all months
    spans: list[tuple[tuple[str, ...], Counter[str]]] = []
    for month in sorted(months):
        if spans and spans[-1][1].total() < least:
            before, counts = spans.pop()
            spans.append(((*before, month), counts + months[month]))
        else:
            spans.append(((month,), months[month]))
    if len(spans) > 1 and spans[-1][1].total() < least:
        late, small = spans.pop()
        before, counts = spans.pop()
        spans.append(((*before, *late), counts + small))
    return [
        Span(some, _without_small(counts, least))
        for some, counts in spans
        if counts.total() >= least
    ]


def _without_small(counts: Counter[str], least: int) -> dict[str, int]:
    kept = {name: n for name, n in counts.items() if n >= least and name != OTHER}
    other = counts.total() - sum(kept.values())
    while 0 < other < least and kept:
        smallest = min(kept, key=lambda name: (kept[name], name))
        other += kept.pop(smallest)
    return dict(sorted(kept.items())) | ({OTHER: other} if other else {})
