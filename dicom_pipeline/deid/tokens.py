"""Split text into tokens, and list the alternative spellings of a token.

A token is a run of ASCII digits, or a run of ASCII letters and non-ASCII characters, in lower
case. SQL splits texts in the same way.

Belongs here: characters: case, accents, scripts.
Does not belong here: the meaning of a token (identity_terms).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_TOKEN = re.compile("[0-9]+|[A-Za-z\u0080-\U0010ffff]+")
# letters without a Unicode decomposition; \u0131 is the dotless i
_LETTERS = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th",
    "ħ": "h", "ŧ": "t", "\u0131": "i", "ŋ": "n", "ə": "e",
}  # fmt: skip
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
# scripts with optional accents; in other scripts (が, й) an accent makes a different letter
_FOLDED_SCRIPTS = ("LATIN ", "FULLWIDTH LATIN ", "GREEK ")
_SIGMAS = ("\N{GREEK SMALL LETTER SIGMA}", "\N{GREEK SMALL LETTER FINAL SIGMA}")


def lowered(text: str) -> str:
    """Convert to lower case one character at a time, as SQL does.

    ``str.lower`` depends on the neighbouring characters.
    """
    return text.lower() if text.isascii() else "".join(c.lower()[0] for c in text)


def tokens_of(text: str) -> list[str]:
    """Return the tokens of a text, in order."""
    return _TOKEN.findall(lowered(unicodedata.normalize("NFC", text)))


def words_of(text: str) -> list[str]:
    """Return the tokens of a text that are letters."""
    return [token for token in tokens_of(text) if token[0] not in "0123456789"]


@cache
def _plain(letter: str) -> str | None:
    """Return a letter without its accent; None if its script has no optional accents."""
    if not unicodedata.name(letter, "").startswith(_FOLDED_SCRIPTS):
        return None
    parts = unicodedata.normalize("NFKD", _LETTERS.get(letter, letter))
    plain = "".join(c for c in parts if not unicodedata.combining(c))
    return lowered(plain) if plain.isalpha() else None


def folded(token: str) -> str:
    """Return a token without the accents of Latin and Greek letters."""
    if token.isascii():
        return token
    letters: list[str] = []
    after_plain = False
    for letter in token:
        if unicodedata.combining(letter) and after_plain:
            continue
        plain = _plain(letter)
        after_plain = plain is not None
        letters.append(letter if plain is None else plain)
    return "".join(letters)


def forms_of(token: str) -> tuple[str, str, str]:
    """Return a token unchanged, without accents, and with digraphs: müller, muller, mueller."""
    return token, folded(token), folded(token.translate(_DIGRAPHS))


def spellings(token: str) -> set[str]:
    """Return all forms of a token that may occur in a text."""
    if token.isascii():
        return {token}
    found = set(forms_of(token))
    # a sigma at the end of a word is a different letter, unless the word was in capitals
    finals = {f"{form[:-1]}{end}" for form in found if form.endswith(_SIGMAS) for end in _SIGMAS}
    return found | finals


def parts_of(token: str) -> list[str]:
    """Split a token at non-ASCII punctuation, such as full-width spaces."""
    if token.isascii():
        return [token]
    kept = (c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in token)
    return "".join(kept).split()


def is_latin(token: str) -> bool:
    """Whether a token consists of Latin letters, with or without accents."""
    return folded(token).isascii()


def long_enough(token: str, letters: int, others: int = 1) -> bool:
    """Whether a token has at least ``letters`` Latin letters, or ``others`` of another script."""
    if is_latin(token):
        return len(token) >= letters
    return sum(c.isalpha() for c in token) >= others
