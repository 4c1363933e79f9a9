"""Check of a cleaned text.

Belongs here: the comparison of one cleaned text with its answer.
Does not belong here: tables and counts.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from .texts import Part, Planted, Role, Text, token_spans, tokens

MARKER = re.compile(r"\[removed\]", re.IGNORECASE)
_EDGE = re.compile(r"^[^\w]+|[^\w]+$|^_+|_+$")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of the check of a text.

    Attributes
    ----------
    missing
        The first harmless piece that is missing, or None; `...` if all pieces are present but a
        text that is entirely harmless was changed.
    left
        Indices of planted parts of which something remains.
    """

    notnull: bool
    missing: str | None
    left: frozenset[int]


def judge(text: Text, output: str | None) -> Verdict:
    """Compare the published text with the answer."""
    output = unicodedata.normalize("NFC", (output or "").strip())
    left = frozenset(_left(text.parts, output))
    return Verdict(bool(output), _missing(text, output), left)


def harmless(text: Text) -> bool:
    """Return whether any part of a text must remain."""
    return any(piece for piece in _pieces(text.parts))


def _missing(text: Text, output: str) -> str | None:
    if all(part.role is Role.STAY for part in text.parts):
        expected = unicodedata.normalize("NFC", text.value).strip()
        if output == expected:
            return None
    shown, position = MARKER.sub("\0", output), 0
    for piece in _pieces(text.parts):
        position = _find(piece, shown, position)
        if position < 0:
            return piece
    return "..." if all(part.role is Role.STAY for part in text.parts) else None


def _pieces(parts: Iterable[Part]) -> list[str]:
    """Return the pieces, separated by white space or identifiers, that must remain unchanged."""
    pieces: list[str] = []
    for part in parts:
        if part.role is Role.STAY:
            text = unicodedata.normalize("NFC", part.text)
            pieces += [_EDGE.sub("", _EDGE.sub("", piece)) for piece in text.split()]
    return [piece for piece in pieces if piece]


def _find(piece: str, text: str, start: int) -> int:
    """Return the end of a separate occurrence of a piece, or -1."""
    while (found := text.find(piece, start)) >= 0:
        end = found + len(piece)
        before, after = text[found - 1 : found], text[end : end + 1]
        if not (before.isalnum() and piece[0].isalnum() and _same(before, piece[0])) and not (
            after.isalnum() and piece[-1].isalnum() and _same(after, piece[-1])
        ):
            return end
        start = found + 1
    return -1


def _same(one: str, other: str) -> bool:
    return one.isdigit() == other.isdigit()


def _left(parts: tuple[Part, ...], output: str) -> Iterable[int]:
    """Return planted parts with a remaining token that no harmless part explains."""
    harmless_tokens: Counter[str] = Counter()
    for part in parts:
        if part.role is not Role.GO:
            harmless_tokens.update(tokens(part.text))
    after = tokens(MARKER.sub(" ", output))
    extra = Counter(after) - harmless_tokens
    if not extra:
        return
    of_part, elsewhere = _traced(parts, after, set(extra))
    # the remainder of a truncated harmless number is a loss, not a leak
    cut = set(harmless_tokens - Counter(after))
    elsewhere = {e for e in elsewhere if not any(_piece_of(token, e) for token in cut)}
    planted = {place: part.planted for place, part in enumerate(parts) if part.planted}
    left = {place for place, what in planted.items() if _is_left(what, of_part[place])}
    # fragments made by the cleaner: assigned to a part that remains anyway, or the first that fits
    for fragment in sorted(elsewhere):
        fitting = [place for place, what in planted.items() if _fits(what, fragment)]
        if fitting and not left.intersection(fitting):
            left.add(fitting[0])
    yield from left


def _is_left(planted: Planted, found: set[str]) -> bool:
    telling = [any(_inside(token, other) for other in found) for token in planted.telling]
    return bool(telling) and (all if planted.together else any)(telling)


def _fits(planted: Planted, fragment: str) -> bool:
    return not planted.together and any(
        _inside(token, fragment) or _piece_of(token, fragment) for token in planted.telling
    )


def _traced(
    parts: tuple[Part, ...], after: list[str], extra: set[str]
) -> tuple[defaultdict[int, set[str]], set[str]]:
    """Return the remaining tokens of each part, and the tokens that the cleaner created."""
    before: list[str] = []
    origins: list[set[int]] = []
    owner = [
        place for place, part in enumerate(parts) for _ in unicodedata.normalize("NFC", part.text)
    ]
    for token, start, end in token_spans("".join(part.text for part in parts)):
        before.append(token)
        origins.append(set(owner[start:end]))
    of_part: defaultdict[int, set[str]] = defaultdict(set)
    found: set[str] = set()
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for first, _, length in matcher.get_matching_blocks():
        for place in range(first, first + length):
            token = before[place]
            if token in extra:
                found.add(token)
                for origin in origins[place]:
                    of_part[origin].add(token)
    return of_part, extra - found


def _inside(token: str, other: str) -> bool:
    """Return whether a remaining token equals the token or contains it, joined to other text."""
    if token == other:
        return True
    if token.isdigit():
        return other.isdigit() and len(token) > 3 and token in other
    return token in other and (len(token) > 2 or not token.isascii())


def _piece_of(token: str, other: str) -> bool:
    """Return whether a remaining token is a fragment of a token, such as the year of a date."""
    if token.isdigit():
        return token.startswith(other) or token.endswith(other)
    return len(other) > 3 and other in token
