"""Scores what was published against the answer key, in the metadata actions of MIDI-B.

Belongs here: which action an expectation is a check of, and whether it is met.
Does not belong here: the comparison of texts (text_answers), counting and printing (report).

A check is one action on one cell; of `text_removed` one on each planted identifier. What nothing
was published about fails all its checks.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from .answer_key import Entity, Expectation
from .published import Published
from .text_answers import harmless, judge
from .texts import Role, Text, tokens

ACTIONS = ("tag_retained", "text_notnull", "text_retained", "text_removed", "date_shifted",
           "uid_changed", "uid_consistent", "patid_consistent")  # fmt: skip
# PS3.5 section 9.1: components without leading zeros, 64 characters
_UID = re.compile(r"(0|[1-9][0-9]*)([.](0|[1-9][0-9]*))+")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check.

    Attributes
    ----------
    scope
        ``core``; ``language`` for texts that are not English; ``real`` for descriptions of the
        Imaging Data Commons; ``foreign`` for identifiers that stand nowhere else in the file.
    template
        Id of the template, ``real``, or empty for a header's own attributes.
    kind
        Of a planted identifier.
    example
        Of a failure: what went in, what came out.
    """

    action: str
    passed: bool
    field: str
    scope: str = "core"
    template: str = ""
    held_out: bool = False
    kind: str = ""
    example: tuple[str, str, str] = ("", "", "")


class Scorer:
    """Checks expectations, all of one archive together.

    Parameters
    ----------
    published
        The tables.
    """

    def __init__(self, published: Published) -> None:
        self.published = published
        self._shifts: dict[Entity, Counter[int]] = defaultdict(Counter)
        self._uids = _Mapping()
        self._ids = _Mapping()

    def score(self, key: Iterable[Expectation]) -> Iterator[Outcome]:
        """All checks; what must be consistent is looked at as a whole first."""
        expectations = list(key)
        for expected in expectations:
            self._learn(expected)
        for expected in expectations:
            yield from self._check(expected)

    def _cell(self, expected: Expectation) -> Any:
        row = self.published.row(expected.field.table, expected.entity)
        return None if row is None else row.get(expected.field.column)

    def _learn(self, expected: Expectation) -> None:
        fate, cell = expected.field.fate, self._cell(expected)
        if cell is None:
            return
        if fate == "date" and isinstance(cell, date):
            self._shifts[expected.patient][(expected.value - cell).days] += 1
        elif fate == "uid":
            self._uids.add(expected.value, cell)
        elif fate == "patid":
            self._ids.add(expected.value, cell)

    def _check(self, expected: Expectation) -> Iterator[Outcome]:
        row = self.published.row(expected.field.table, expected.entity)
        if row is None and expected.field.fate == "removed":
            return  # nothing is there, so nothing is told; its other checks fail
        cell = None if row is None else row.get(expected.field.column)
        check: Callable[[Expectation, Any], Iterator[Outcome]] = getattr(
            self, f"_{expected.field.fate}"
        )
        yield from check(expected, cell)

    def _retained(self, expected: Expectation, cell: Any) -> Iterator[Outcome]:
        yield _outcome(expected, "tag_retained", cell not in (None, "", []), cell)

    def _exact(self, expected: Expectation, cell: Any) -> Iterator[Outcome]:
        yield from self._retained(expected, cell)
        yield _outcome(expected, "text_retained", cell == expected.value, cell)

    def _capped(self, expected: Expectation, cell: Any) -> Iterator[Outcome]:
        yield from self._retained(expected, cell)
        if expected.value > "089Y":
            yield _outcome(expected, "text_removed", cell in (None, "090Y"), cell)
        else:
            yield _outcome(expected, "text_retained", cell == expected.value, cell)

    def _removed(self, expected: Expectation, cell: Any) -> Iterator[Outcome]:
        texts = [value for value in _values(expected.value) if isinstance(value, Text)]
        if not texts:
            yield _outcome(expected, "text_removed", not _told(expected.value, cell), cell)
            return
        yield _outcome(expected, "text_removed", cell in (None, "", []), cell)
        for text in texts:
            output = _joined(cell)
            yield from _planted(expected, text, judge(text, output).left, output or "")

    def _pseudonym(self, expected: Expectation, cell: Any) -> Iterator[Outcome]:
        yield from self._retained(expected, cell)
        same = str(cell).strip().lower() == str(expected.value).strip().lower()
        yield _outcome(expected, "text_removed", not same, cell)

    def _date(self, expected: Expectation, cell: Any) -> Iterator[Outcome]:
        days = (expected.value - cell).days if isinstance(cell, date) else None
        usual = self._shifts[expected.patient].most_common(1)
        good = days is not None and days > 0 and days % 7 == 0 and days == usual[0][0]
        yield _outcome(expected, "date_shifted", good, cell)

    def _interval(self, expected: Expectation, cell: Any) -> Iterator[Outcome]:
        yield _outcome(expected, "date_shifted", cell == expected.value, cell)

    def _uid(self, expected: Expectation, cell: Any) -> Iterator[Outcome]:
        valid = isinstance(cell, str) and len(cell) <= 64 and bool(_UID.fullmatch(cell))
        changed = valid and not self._uids.is_original(cell)
        yield _outcome(expected, "uid_changed", changed, cell)
        consistent = self._uids.is_usual(expected.value, cell)
        yield _outcome(expected, "uid_consistent", consistent, cell)

    def _patid(self, expected: Expectation, cell: Any) -> Iterator[Outcome]:
        good = self._ids.is_usual(expected.value, cell) and not self._ids.is_original(cell)
        yield _outcome(expected, "patid_consistent", good, cell)

    def _link(self, expected: Expectation, cell: Any) -> Iterator[Outcome]:
        good = cell is not None and cell == self.published.key("patients", expected.patient)
        yield _outcome(expected, "patid_consistent", good, cell)

    def _sequence(self, expected: Expectation, cell: Any) -> Iterator[Outcome]:
        """A sequence may be removed; if it is there, it must be clean inside."""
        inside, place, originals = expected.value
        written = "" if cell is None else str(cell)
        for original in originals:
            yield _outcome(expected, "uid_changed", original not in written, cell)
        if cell is None:
            return
        if not isinstance(inside, Text):
            new = self._uids.usual(place)
            yield _outcome(expected, "uid_consistent", new is not None and new in written, cell)
            return
        found = _in_json(written, place)
        yield from self._one_text(expected, inside, found)

    def _text(self, expected: Expectation, cell: Any) -> Iterator[Outcome]:
        texts = _values(expected.value)
        cells = cell if isinstance(cell, list) else [cell]
        if len(cells) != len(texts):
            cells = [None] * len(texts) if cell is None else [_joined(cell)] * len(texts)
        for text, output in zip(texts, cells, strict=True):
            yield from self._one_text(expected, text, output)

    @staticmethod
    def _one_text(expected: Expectation, text: Text, output: str | None) -> Iterator[Outcome]:
        judged = judge(text, output)
        if harmless(text):
            place = (expected.field.attribute, text.group, text.template, text.held_out)
            yield Outcome("text_notnull", judged.notnull, *place)
            example = (text.value, output or "", judged.missing or "")
            yield Outcome("text_retained", judged.missing is None, *place, example=example)
        yield from _planted(expected, text, judged.left, output or "")


class _Mapping:
    """What originals were replaced by."""

    def __init__(self) -> None:
        self._new: dict[str, Counter[str]] = defaultdict(Counter)
        self._old: dict[str, set[str]] = defaultdict(set)

    def add(self, old: str, new: str) -> None:
        self._new[old][new] += 1
        self._old[new].add(old)

    def usual(self, old: str) -> str | None:
        found = self._new.get(old)
        return found.most_common(1)[0][0] if found else None

    def is_usual(self, old: str, new: str | None) -> bool:
        """Whether it is what the original always is, and no other original is the same."""
        return new is not None and new == self.usual(old) and len(self._old[new]) == 1

    def is_original(self, value: str | None) -> bool:
        return value in self._new


def _outcome(expected: Expectation, action: str, passed: bool, cell: Any) -> Outcome:
    field = f"{expected.field.table}.{expected.field.column}"
    if passed:
        return Outcome(action, True, field)
    return Outcome(action, False, field, example=(str(expected.value), str(cell), ""))


def _planted(
    expected: Expectation, text: Text, left: frozenset[int], output: str
) -> Iterator[Outcome]:
    for place, part in enumerate(text.parts):
        if part.role is not Role.GO:
            continue
        scope = "foreign" if text.group == "core" and not part.own else text.group
        passed = place not in left
        example = ("", "", "") if passed else (_around(text, place), output, part.text)
        yield Outcome(
            "text_removed", passed, expected.field.attribute, scope, text.template, text.held_out,
            part.kind, example,
        )  # fmt: skip


def _around(text: Text, place: int) -> str:
    """The text, or of a long one what stands around a part."""
    if len(text.value) < 300:
        return text.value
    start = sum(len(part.text) for part in text.parts[:place])
    return "..." + text.value[max(0, start - 60) : start + len(text.parts[place].text) + 60]


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _joined(cell: Any) -> str | None:
    if isinstance(cell, list):
        return "\\".join(str(value) for value in cell if value is not None)
    return None if cell is None else str(cell)


def _told(value: Any, cell: Any) -> bool:
    """Whether anything of a removed value is told: a date or number tells, even a changed one."""
    if cell in (None, "", []):
        return False
    if not isinstance(cell, str | list):
        return True
    words = {token for token in tokens(str(value)) if len(token) > 2}
    return bool(words & set(tokens(str(cell)))) or str(value) == str(cell)


def _in_json(written: str, tag: str) -> str | None:
    """Value of an element in the first item of a sequence in DICOM JSON."""
    try:
        items = json.loads(written)
        values = items[0][tag]["Value"]
    except (ValueError, LookupError, TypeError):
        return None
    return str(values[0]) if values else None
