"""Whether a text came out as it should.

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
    """What became of a text.

    Attributes
    ----------
    missing
        The first harmless piece that is not there any more, or None; `...` where all pieces are
        there, but the text, all of it harmless, is not as it was.
    left
        Planted parts of which something is left.
    """

    notnull: bool
    missing: str | None
    left: frozenset[int]


def judge(text: Text, output: str | None) -> Verdict:
    """Compare what was published with the answer."""
    output = unicodedata.normalize("NFC", (output or "").strip())
    left = frozenset(_left(text.parts, output))
    return Verdict(bool(output), _missing(text, output), left)


def harmless(text: Text) -> bool:
    """Whether anything of a text must stay."""
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
    """What stands between white space, or beside an identifier, and must be there as it is."""
    pieces: list[str] = []
    for part in parts:
        if part.role is Role.STAY:
            text = unicodedata.normalize("NFC", part.text)
            pieces += [_EDGE.sub("", _EDGE.sub("", piece)) for piece in text.split()]
    return [piece for piece in pieces if piece]


def _find(piece: str, text: str, start: int) -> int:
    """Where a piece ends that stands by itself, or -1."""
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
    """Planted parts of which a token is left that nothing harmless accounts for."""
    harmless_tokens: Counter[str] = Counter()
    for part in parts:
        if part.role is not Role.GO:
            harmless_tokens.update(tokens(part.text))
    after = tokens(MARKER.sub(" ", output))
    extra = Counter(after) - harmless_tokens
    if not extra:
        return
    of_part, elsewhere = _traced(parts, after, set(extra))
    # what is left of a harmless number that was cut is lost, not leaked
    cut = set(harmless_tokens - Counter(after))
    elsewhere = {e for e in elsewhere if not any(_piece_of(token, e) for token in cut)}
    planted = {place: part.planted for place, part in enumerate(parts) if part.planted}
    left = {place for place, what in planted.items() if _is_left(what, of_part[place])}
    # fragments that the cleaner made: of what is left anyway, or else of the first that they fit
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
    """Which part each leftover token comes from; and those that came to be in between."""
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
    """Whether a leftover is the token or, glued to something, has it inside."""
    if token == other:
        return True
    if token.isdigit():
        return other.isdigit() and len(token) > 3 and token in other
    return token in other and (len(token) > 2 or not token.isascii())


def _piece_of(token: str, other: str) -> bool:
    """Whether a leftover is what a token was cut down to: a year of a date, half a number."""
    if token.isdigit():
        return token.startswith(other) or token.endswith(other)
    return len(other) > 3 and other in token
