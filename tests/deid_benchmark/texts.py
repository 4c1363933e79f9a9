"""Texts with known answers: parts that must remain, must be removed, or may do either.

Belongs here: tokens, the parts of a text, and the handling of parts that are names of persons.
Does not belong here: where the parts come from (templates, renderings) and the scoring.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

FOLDER = Path(__file__).parent / "templates"
# a token is a run of digits or of letters; every non-ASCII character counts as a letter
_TOKEN = re.compile(r"[0-9]+|[A-Za-z\u0080-\U0010ffff]+")


def tokens(text: str) -> list[str]:
    """Return the tokens of a text in lower case."""
    return _TOKEN.findall(unicodedata.normalize("NFC", text).lower())


def token_spans(text: str) -> list[tuple[str, int, int]]:
    """Return the tokens of a text in normal form C, with start and end."""
    found = _TOKEN.finditer(unicodedata.normalize("NFC", text))
    return [(match[0].lower(), match.start(), match.end()) for match in found]


def plain(text: str) -> str:
    """Return a text without accents."""
    parts = unicodedata.normalize("NFD", text.replace("ß", "ss").replace("ł", "l"))
    parts = parts.replace("Ł", "L").replace("ı", "i").replace("đ", "d").replace("Đ", "D")
    return "".join(c for c in parts if not unicodedata.combining(c))


def word_list(name: str) -> frozenset[str]:
    """Return a list of `words.csv`."""
    with (FOLDER / "words.csv").open(encoding="utf-8", newline="") as lines:
        return frozenset({row["list"]: row["words"] for row in csv.DictReader(lines)}[name].split())


class Role(Enum):
    """The required result for a part."""

    STAY = "stay"
    GO = "go"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Planted:
    """An identifier in a text.

    Attributes
    ----------
    text
        Its rendering.
    telling
        Its tokens that must not remain; a remaining token that contains one counts too.
    together
        Whether only all of the telling tokens together identify (initials, "General Hospital").
    """

    text: str
    telling: tuple[str, ...]
    together: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text; `kind` and `own` describe a planted identifier."""

    text: str
    role: Role
    kind: str = ""
    own: bool = True
    planted: Planted | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a field, with its answer."""

    parts: tuple[Part, ...]
    template: str
    group: str = "core"
    held_out: bool = False

    @property
    def value(self) -> str:
        """Return the text that is written into the file."""
        return "".join(part.text for part in self.parts)


def split_names(text: Text, own: frozenset[str], others: frozenset[str]) -> Text:
    """Split off harmless words that are names: those of the patient must go, others may remain.

    If the patient is named Hand, "HAND" must be removed from free text. If a physician is named
    Brown, "brown" may remain or be removed.
    """
    if not any(p.role is Role.STAY and own.union(others) & set(tokens(p.text)) for p in text.parts):
        return text
    parts: list[Part] = []
    for part in text.parts:
        parts += [part] if part.role is not Role.STAY else _split(part.text, own, others)
    return Text(tuple(parts), text.template, text.group, text.held_out)


def _split(text: str, own: frozenset[str], others: frozenset[str]) -> Iterable[Part]:
    start = 0
    for match in _TOKEN.finditer(text):
        word = match[0].lower()
        if word not in own and word not in others:
            continue
        yield Part(text[start : match.start()], Role.STAY)
        if word in own:
            planted = Planted(match[0], (word,))
            yield Part(match[0], Role.GO, "name that is a word", True, planted)
        else:
            yield Part(match[0], Role.EITHER)
        start = match.end()
    yield Part(text[start:], Role.STAY)
