"""Two copies of a text for comparison, in which each character stays at its position.

Texts are compared with full-width characters, digits of any script, spaces and dashes as their
ASCII characters. What remains of a text is taken from the text itself.

Belongs here: which characters are equal, and characters that are not part of a text.
Does not belong here: escapes of characters (text_escapes), spellings of names (deid.tokens), and
what is searched.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import NamedTuple

from dicom_pipeline.deid.cleaning.text_tokens import BAR, CONTROLS, VALUE_BAR
from dicom_pipeline.deid.text_escapes import unescaped

_CONTROL = re.compile(f"[{CONTROLS}]")
_COMPATIBLE = ("<wide>", "<narrow>", "<noBreak>")
# characters that a normal form of Unicode does not replace
_EQUAL = {
    "\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u00b4": "'", "\u2044": "/", "\u2215": "/",
    "\u2212": "-", "\u3002": ".", "\u3001": ",", "\u2024": ".", "\u00ad": "-",
}  # fmt: skip


class NormalText(NamedTuple):
    """A text and its copies for comparison, all of the same length.

    Attributes
    ----------
    text
        The text in normal form C, without escapes, control and invisible characters. Bars separate
        values.
    cased
        The copy with the case of the text.
    lower
        The copy in lower case.
    """

    text: str
    cased: str
    lower: str


class _Characters(dict[int, str]):
    """Characters with their replacement, computed when they are first needed."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        found = self[code] = _lower(character) if self.in_lower else _equal(character)
        return found

    def __init__(self, *, in_lower: bool) -> None:
        super().__init__()
        self.in_lower = in_lower


def _equal(character: str) -> str:
    if character in _EQUAL:
        return _EQUAL[character]
    if character.isdecimal():
        return str(unicodedata.digit(character))
    category = unicodedata.category(character)
    if category in ("Zs", "Pd"):
        return " " if category == "Zs" else "-"
    if unicodedata.decomposition(character).startswith(_COMPATIBLE):
        normal = unicodedata.normalize("NFKC", character)
        return normal if len(normal) == 1 else character
    return character


def _lower(character: str) -> str:
    # the long s is another case of s
    return "s" if character == "\u017f" else character.lower()[0]


_CASED = _Characters(in_lower=False)
_LOWER = _Characters(in_lower=True)


def spaces_for_controls(text: str) -> str:
    """Return a text with a space for every control character, without invisible ones."""
    if text.isprintable():
        return text
    text = _CONTROL.sub(" ", text)
    if text.isascii():
        return text
    return "".join(map(_printable, text))


@cache
def _printable(character: str) -> str:
    category = unicodedata.category(character)
    return " " if category == "Cc" else "" if category == "Cf" else character


def normal_text(text: str) -> NormalText:
    """Return a text and its copies for comparison.

    Parameters
    ----------
    text
        The text; a backslash separates values.
    """
    text = unescaped(text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = spaces_for_controls(text).replace(BAR, " ").replace("\\", VALUE_BAR)
    if text.isascii():
        return NormalText(text, text, text.lower())
    cased = text.translate(_CASED)
    return NormalText(text, cased, cased.translate(_LOWER))
