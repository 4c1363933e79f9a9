"""Split a text into pieces: runs of digits, runs of letters, and runs of separators.

Belongs here: the classes of characters, the split, and the parts of words in camel case.
Does not belong here: tokens of identity terms (deid.tokens), and which pieces stay (text_cleaning).
"""

from __future__ import annotations

import re
from typing import NamedTuple

# Characters between words, as the content of a regular expression's class. What is not ASCII and
# not listed here counts as a letter, so that text in an unknown script is removed.
SEPARATORS = (
    r" -/:-@{-~\[-`\u00a0\u2010-\u2015\u2018-\u201f\u2022\u2026\u00a1\u00a7\u00ab\u00b1\u00b7\u00bb"
    r"\u00bf\u00d7\u00f7\u3000-\u3002\u300c\u300d\u30fb\uff08\uff09\uff0c\uff1a"
)
CONTROLS = r"\x00-\x1f\x7f"
# Five bars replace the backslash between values while a text is cleaned: a pattern can take one
# neighbour on either side, so it can neither remove all of them nor match across them.
BAR = "¦"
VALUE_BAR = BAR * 5

LETTERS = f"[^0-9{BAR}{SEPARATORS}{CONTROLS}]+"
_OTHERS = f"[{BAR}{SEPARATORS}{CONTROLS}]+"
_PIECES = re.compile(f"[0-9]+|{LETTERS}|{_OTHERS}")
_TOKENS = re.compile(f"[0-9]+|{LETTERS}")
_LATIN = re.compile(r"[ -~\u00c0-\u024f]*")
DIGITS = frozenset("0123456789")
SEPARATOR_CHARACTERS = frozenset(
    character for character in map(chr, range(0x10000)) if re.fullmatch(_OTHERS, character)
)

# spaces of all kinds, which SQL removes from both ends of a text
SPACES = (
    " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f"
    "\u3000"
)
# Japanese, Chinese and Korean, as the content of a class
CJK = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
_UNSPACED = f"[{CJK}]"
_WORD_STARTS = [
    re.compile(f"({left})({right})")
    for left, right in (
        ("[a-z]", "[A-Z]"),
        ("[A-Z]", "[A-Z][a-z]"),
        ("[a-zA-Z]", _UNSPACED),
        (_UNSPACED, "[a-zA-Z]"),
    )
]


class Token(NamedTuple):
    """A run of digits or of letters, with its position in a text."""

    text: str
    start: int
    end: int


class Span(NamedTuple):
    """A part of a text that identifies somebody; a moment is a date or a time."""

    start: int
    end: int
    is_moment: bool = False


def word_set(text: str) -> frozenset[str]:
    """Return the words of a list that is written as a text."""
    return frozenset(text.split())


def tokens_with_positions(text: str) -> list[Token]:
    """Return the runs of digits and of letters with their positions."""
    return [Token(match[0], match.start(), match.end()) for match in _TOKENS.finditer(text)]


def pieces_of(text: str) -> list[str]:
    """Split a text into runs of digits, letters and separators; joined, they are the text."""
    return _PIECES.findall(text)


def text_tokens(text: str) -> list[str]:
    """Return the runs of digits and of letters."""
    return _TOKENS.findall(text)


def is_latin_script(text: str) -> bool:
    """Whether a text has only ASCII characters and letters of the Latin script."""
    return text.isascii() or _LATIN.fullmatch(text) is not None


def word_parts(word: str) -> list[str]:
    """Split a word where the case of its letters or the script shows that another word begins.

    ``mDIXONQuant`` has the parts ``m``, ``DIXON`` and ``Quant``.
    """
    for pattern in _WORD_STARTS:
        word = pattern.sub(r"\1 \2", word)
    return word.split(" ")
