"""Score the published tables against the answer key, in the metadata actions of MIDI-B.

Belongs here: the action of an expectation, and the check whether it is met.
Does not belong here: the comparison of texts (text_answers), counting and printing (report).

A check is one action on one cell; `text_removed` has one check per planted identifier. If an entity
was not published, all its checks fail.
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
        Imaging Data Commons; ``foreign`` for identifiers that occur nowhere else in the file.
    template
        Id of the template, ``real``, or empty for a header's own attributes.
    kind
        Kind of the planted identifier.
    example
        For a failure: the input and the output.
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
    """Checks all expectations of an archive.

    Parameters
    ----------
    published
        The published tables.
    """

    def __init__(self, published: Published) -> None:
        self.published = published
        self._shifts: dict[Entity, Counter[int]] = defaultdict(Counter)
        self._uids = _Mapping()
        self._ids = _Mapping()

    def score(self, key: Iterable[Expectation]) -> Iterator[Outcome]:
        """Generate all checks; replacements are collected first to check their consistency."""
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
            return  # without a row nothing is disclosed; the other checks of the entity fail
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
            yield _outcome(expected, "text_removed", not _is_disclosed(expected.value, cell), cell)
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
        """Check a sequence: it may be removed, otherwise its items must be clean."""
        inside, index, originals = expected.value
        written = "" if cell is None else str(cell)
        for original in originals:
            yield _outcome(expected, "uid_changed", original not in written, cell)
        if cell is None:
            return
        if not isinstance(inside, Text):
            new = self._uids.usual(index)
            yield _outcome(expected, "uid_consistent", new is not None and new in written, cell)
            return
        found = _in_json(written, index)
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
            index = (expected.field.attribute, text.group, text.template, text.held_out)
            yield Outcome("text_notnull", judged.notnull, *index)
            example = (text.value, output or "", judged.missing or "")
            yield Outcome("text_retained", judged.missing is None, *index, example=example)
        yield from _planted(expected, text, judged.left, output or "")


class _Mapping:
    """Replacements of original values."""

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
        """Return whether a replacement is the usual one of this original only."""
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
    for index, part in enumerate(text.parts):
        if part.role is not Role.GO:
            continue
        scope = "foreign" if text.group == "core" and not part.own else text.group
        passed = index not in left
        example = ("", "", "") if passed else (_around(text, index), output, part.text)
        yield Outcome(
            "text_removed", passed, expected.field.attribute, scope, text.template, text.held_out,
            part.kind, example,
        )  # fmt: skip


def _around(text: Text, index: int) -> str:
    """Return the text, or for a long text the surroundings of a part."""
    if len(text.value) < 300:
        return text.value
    start = sum(len(part.text) for part in text.parts[:index])
    return "..." + text.value[max(0, start - 60) : start + len(text.parts[index].text) + 60]


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _joined(cell: Any) -> str | None:
    if isinstance(cell, list):
        return "\\".join(str(value) for value in cell if value is not None)
    return None if cell is None else str(cell)


def _is_disclosed(value: Any, cell: Any) -> bool:
    """Return whether a removed value is disclosed; any date or number counts as disclosed."""
    if cell in (None, "", []):
        return False
    if not isinstance(cell, str | list):
        return True
    words = {token for token in tokens(str(value)) if len(token) > 2}
    return bool(words & set(tokens(str(cell)))) or str(value) == str(cell)


def _in_json(written: str, tag: str) -> str | None:
    """Return the value of an element in the first item of a sequence in DICOM JSON."""
    try:
        items = json.loads(written)
        values = items[0][tag]["Value"]
    except (ValueError, LookupError, TypeError):
        return None
    return str(values[0]) if values else None
