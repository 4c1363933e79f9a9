"""Statistical disclosure control: small cells of a table of counts are merged before display.

Belongs here: merging cells so that no count below the minimum is shown or can be derived.
Does not belong here: counting (studies_by_month), drawing (charts).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MIN_CELL_SIZE = 11
OTHER = "other"


@dataclass(frozen=True)
class Span:
    """Consecutive months and their counts by name; ``other`` has the merged counts."""

    months: tuple[str, ...]
    counts: Mapping[str, int]

    @property
    def label(self) -> str:
        """Label of the months in a chart or a table."""
        dated = [month for month in self.months if month[0].isdigit()]
        ends = [f"{dated[0]} to {dated[-1]}" if len(dated) > 1 else dated[0]] if dated else []
        return " and ".join([*ends, *(month for month in self.months if month not in dated)])


def by_name(spans: Sequence[Span]) -> dict[str, list[int]]:
    """Return the counts of each name in each span, ``other`` last; 0 if a span lacks the name."""
    names = sorted({n for span in spans for n in span.counts}, key=lambda n: (n == OTHER, n))
    return {name: [span.counts.get(name, 0) for span in spans] for name in names}


def suppress(
    cells: Mapping[tuple[str, str], int], min_cell_size: int = MIN_CELL_SIZE
) -> list[Span]:
    """Merge small cells of a table of counts by month and name.

    A month is merged with the following months until the span reaches the minimum; a small last
    span is merged with the span before it. In each span, small names become ``other``; while
    ``other`` is small, the smallest remaining name is added to it. Undated studies are merged with
    the last months.

    Parameters
    ----------
    cells
        Count by month (``YYYY-MM``, or ``undated``) and name.
    min_cell_size
        The smallest count that may be shown.

    Returns
    -------
    list of Span
        In chronological order; empty if the total is below the minimum.
    """
    months: dict[str, Counter[str]] = {}
    for (month, name), count in cells.items():
        if count:
            months.setdefault(month, Counter())[name] += count
    # "undated" sorts after all months
    spans: list[tuple[tuple[str, ...], Counter[str]]] = []
    for month in sorted(months):
        if spans and spans[-1][1].total() < min_cell_size:
            before, counts = spans.pop()
            spans.append(((*before, month), counts + months[month]))
        else:
            spans.append(((month,), months[month]))
    if len(spans) > 1 and spans[-1][1].total() < min_cell_size:
        late, small = spans.pop()
        before, counts = spans.pop()
        spans.append(((*before, *late), counts + small))
    return [
        Span(some, _without_small(counts, min_cell_size))
        for some, counts in spans
        if counts.total() >= min_cell_size
    ]


def _without_small(counts: Counter[str], min_cell_size: int) -> dict[str, int]:
    kept = {name: n for name, n in counts.items() if n >= min_cell_size and name != OTHER}
    other = counts.total() - sum(kept.values())
    while 0 < other < min_cell_size and kept:
        smallest = min(kept, key=lambda name: (kept[name], name))
        other += kept.pop(smallest)
    return dict(sorted(kept.items())) | ({OTHER: other} if other else {})
