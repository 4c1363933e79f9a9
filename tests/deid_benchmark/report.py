"""Count outcomes and print the score.

Belongs here: sums, the table on the terminal, the JSON document, thresholds.
Does not belong here: determining outcomes (scorer).

Examples of failures are stored for tuning templates; held-out templates have only counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .scorer import ACTIONS, Outcome

SHOWN_EXAMPLES = 40
PER_TEMPLATE = 3


@dataclass
class Count:
    """Number of checks and of passed checks."""

    passed: int = 0
    checks: int = 0

    def add(self, passed: bool) -> None:
        """Count a check."""
        self.checks += 1
        self.passed += passed

    @property
    def percent(self) -> float:
        """Return the percentage that passed; 100 without any check."""
        return 100.0 * self.passed / self.checks if self.checks else 100.0

    def document(self) -> dict[str, Any]:
        """Return the counts for the JSON file."""
        failed = self.checks - self.passed
        return {"passed": self.passed, "failed": failed, "percent": round(self.percent, 4)}


def _counts() -> defaultdict[tuple[str, ...], Count]:
    return defaultdict(Count)


@dataclass
class Score:
    """The counts of one profile."""

    profile: str
    by_action: defaultdict[tuple[str, ...], Count] = field(default_factory=_counts)
    by_part: defaultdict[tuple[str, ...], Count] = field(default_factory=_counts)
    by_field: defaultdict[tuple[str, ...], Count] = field(default_factory=_counts)
    by_kind: defaultdict[tuple[str, ...], Count] = field(default_factory=_counts)
    by_template: defaultdict[tuple[str, ...], Count] = field(default_factory=_counts)
    examples: list[dict[str, str]] = field(default_factory=list)
    _kept: Counter[tuple[str, str]] = field(default_factory=Counter)

    def take(self, outcomes: Iterable[Outcome]) -> Score:
        """Count outcomes."""
        for outcome in outcomes:
            self._count(outcome)
        return self

    def _count(self, outcome: Outcome) -> None:
        action, passed = outcome.action, outcome.passed
        part = "held out" if outcome.held_out else "tuning" if outcome.template else "headers"
        self.by_action[action, outcome.scope].add(passed)
        self.by_part[action, outcome.scope, part].add(passed)
        self.by_field[action, outcome.scope, outcome.field, part].add(passed)
        if outcome.kind:
            self.by_kind[outcome.scope, outcome.kind, part].add(passed)
        if outcome.template not in ("", "real") and not outcome.held_out:
            self.by_template[outcome.template, action, outcome.scope].add(passed)
        if passed or outcome.held_out:
            return
        # a few examples of each, because a template fails in the same way hundreds of times
        group = (action, outcome.template or outcome.field)
        self._kept[group] += 1
        if self._kept[group] <= (2_000 if outcome.template == "real" else PER_TEMPLATE):
            before, after, what = outcome.example
            self.examples.append({
                "action": action, "scope": outcome.scope, "field": outcome.field,
                "template": outcome.template, "kind": outcome.kind,
                "before": before[:300], "after": after[:300], "what": what,
            })  # fmt: skip

    def total(self, *scopes: str) -> Count:
        """Return the sum over all actions of some scopes."""
        total = Count()
        for (_, scope), count in self.by_action.items():
            if scope in scopes:
                total.passed += count.passed
                total.checks += count.checks
        return total

    @property
    def overall(self) -> Count:
        """Return all checks except foreign identifiers and other languages, reported separately."""
        return self.total("core", "real")

    @property
    def planted(self) -> Count:
        """Return the checks of planted identifiers that occur elsewhere in the same file."""
        total = Count()
        for (scope, _, _), count in self.by_kind.items():
            if scope == "core":
                total.passed += count.passed
                total.checks += count.checks
        return total

    def is_good(self, require: float) -> bool:
        """Return whether the thresholds are reached."""
        return self.overall.percent >= require and self.planted.passed == self.planted.checks

    def document(self) -> dict[str, Any]:
        """Return the score for the JSON file."""

        def table(counts: dict[tuple[str, ...], Count]) -> dict[str, Any]:
            return {" | ".join(k): c.document() for k, c in sorted(counts.items())}

        return {
            "profile": self.profile,
            "overall": self.overall.document(),
            "everything": self.total("core", "real", "foreign", "language").document(),
            "planted identifiers that occur elsewhere in the file": self.planted.document(),
            "by action": table(self.by_action),
            "by action and part": table(self.by_part),
            "by action and field": table(self.by_field),
            "planted identifiers by kind": table(self.by_kind),
            "tuning templates": table(self.by_template),
            "examples of failures of tuning templates": self.examples,
        }  # fmt: skip


def show(score: Score, console: Console, examples: int = SHOWN_EXAMPLES) -> None:
    """Print a score."""
    console.print(_actions(score))
    lines = [("overall", score.overall),
             ("own identifiers in texts", score.planted),
             ("identifiers nowhere else in the file (separate)", score.total("foreign")),
             ("texts in other languages (separate)", score.total("language"))]  # fmt: skip
    for name, count in lines:
        console.print(f"{name}: {count.percent:.3f} % ({count.passed:,} of {count.checks:,})")
    for table in (_fields(score), _kinds(score)):
        if table.row_count:
            console.print(table)
    for example in _chosen(score.examples, examples):
        where = " ".join(x for x in (example["template"], example["field"]) if x)
        console.print(
            f"[bold]{example['action']}[/] {escape(where)} {escape(repr(example['what']))}\n"
            f"  in   {escape(example['before'])}\n  out  {escape(example['after'])}"
        )


def _chosen(examples: list[dict[str, str]], number: int) -> list[dict[str, str]]:
    """Select some examples of each action."""
    by_action: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for example in examples:
        by_action[example["action"] + example["scope"]].append(example)
    share = max(1, number // max(1, len(by_action)))
    return [
        e for group in by_action.values() for e in group[:: max(1, len(group) // share)][:share]
    ]


def _actions(score: Score) -> Table:
    table = Table("action", "checks", "failed", "%", "headers %", "tuning %", "held out %",
                  title=f"profile {score.profile}")  # fmt: skip
    lines = [(action, "core", action) for action in ACTIONS]
    lines.insert(3, ("text_retained", "real", "text_retained, real descriptions"))
    lines.insert(5, ("text_removed", "foreign", "text_removed, nowhere else"))
    for action, scope, name in lines:
        count = score.by_action.get((action, scope))
        if count is None:
            continue
        parts = [score.by_part.get((action, scope, p)) for p in ("headers", "tuning", "held out")]
        shares = [f"{part.percent:.3f}" if part else "" for part in parts]
        failed = count.checks - count.passed
        table.add_row(name, f"{count.checks:,}", f"{failed:,}", f"{count.percent:.3f}", *shares)
    return table


def _fields(score: Score) -> Table:
    table = Table("action", "field", "part", "checks", "failed", title="fields with failures")
    for (action, scope, name, part), count in sorted(score.by_field.items()):
        if count.passed < count.checks and scope in ("core", "real"):
            part = f"real, {part}" if scope == "real" else part
            table.add_row(
                action, name, part, f"{count.checks:,}", f"{count.checks - count.passed:,}"
            )
    return table


def _kinds(score: Score) -> Table:
    table = Table("planted", "kind", "part", "checks", "failed",
                  title="identifiers that were not removed completely")  # fmt: skip
    for (scope, kind, part), count in sorted(score.by_kind.items()):
        if count.passed < count.checks and scope != "language":
            own = "own" if scope == "core" else "nowhere else"
            table.add_row(own, kind, part, f"{count.checks:,}", f"{count.checks - count.passed:,}")
    return table
