"""A text with a known answer, and the register of the generators that make such texts.

Belongs here: what a case is, how it is judged, and which generators are held out.
Does not belong here: the generators (own, strangers, harmless), the people (patients).
"""

from __future__ import annotations

import hashlib
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from .patients import Patient

REMOVED, RETAINED, CONTEXT = "text_removed", "text_retained", "context_retained"
_TOKEN = re.compile(r"[0-9]+|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Case:
    """A text of a patient.

    Attributes
    ----------
    before, after
        Harmless text, or labels, around the identifier.
    planted
        The identifier as it is written; empty in a harmless text.
    has_label
        Whether the text before it announces an identifier, and may be removed with it.
    """

    before: str
    planted: str = ""
    after: str = ""
    has_label: bool = False

    @property
    def text(self) -> str:
        """Return the text."""
        return f"{self.before}{self.planted}{self.after}"


Generator = Callable[[random.Random, Patient], Case]


@dataclass(frozen=True, slots=True)
class Kind:
    """A generator with its place in the table of scores.

    Attributes
    ----------
    has_short_id
        Whether its patients have an identifier of one to three characters.
    """

    name: str
    tier: str
    language: str
    make: Generator
    has_short_id: bool = False

    @property
    def is_held_out(self) -> bool:
        """Whether rules must not be tuned on the failures of this generator."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 3 == 0


KINDS: dict[str, Kind] = {}


def kind(tier: str, language: str = "en") -> Callable[[Generator], Generator]:
    """Register a generator: the name of the kind is that of the function."""

    def register(make: Generator) -> Generator:
        add(make.__name__, tier, language, make)
        return make

    return register


def add(
    name: str, tier: str, language: str, make: Generator, *, has_short_id: bool = False
) -> None:
    """Register a generator under a name."""
    if name in KINDS:
        raise ValueError(f"two kinds are called {name}")
    KINDS[name] = Kind(name, tier, language, make, has_short_id)


def normal(text: str) -> str:
    """Return a text in the form in which two texts are compared."""
    return unicodedata.normalize("NFKC", text).lower()


def tokens(text: str) -> Counter[str]:
    """Return the tokens of a text with their number."""
    return Counter(_TOKEN.findall(normal(text)))


def is_removed(case: Case, clean: str) -> bool:
    """Whether no token of the identifier remains, beyond those that the harmless parts have."""
    found = tokens(clean.replace("[removed]", " "))
    harmless = tokens(case.before) + tokens(case.after)
    return not any(found[token] > harmless[token] for token in tokens(case.planted))


def is_context_retained(case: Case, clean: str) -> bool:
    """Whether all tokens around the identifier remain."""
    found = tokens(clean.replace("[removed]", " "))
    harmless = tokens(case.before) + tokens(case.after)
    return not harmless - found


def is_retained(text: str, clean: str) -> bool:
    """Whether a harmless text is unchanged, apart from spaces at its ends."""
    return unicodedata.normalize("NFC", text).strip() == unicodedata.normalize("NFC", clean).strip()
