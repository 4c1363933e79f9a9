"""Patterns of anybody's addresses, postcodes, coordinates and institutions.

Patterns are searched in a copy of the text with the case of the text (text_normal).

Belongs here: places by their form or by the words beside them.
Does not belong here: words in such names (place_words), places of the patient (own_search).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from dicom_pipeline.deid.cleaning.patterns.place_words import (
    GENERIC_PLACES,
    INSTITUTIONS_AFTER_NAMES,
    STREETS_AFTER,
    STREETS_BEFORE,
)
from dicom_pipeline.deid.cleaning.text_tokens import BAR, DIGITS, Span, Token, word_set

_LETTER = f"[^\\W\\d_{BAR}]"
_NAME = f"{_LETTER}+(?:['-]{_LETTER}+)*"
_POSTCODES = re.compile(
    "(?<![A-Za-z0-9])(?:"
    # United Kingdom, Canada, the Netherlands with a space, Japan
    "[A-Z]{1,2}[0-9]{1,2}[A-Z]? [0-9][ABD-HJLNP-UW-Z]{2}"
    "|[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z] [0-9][ABCEGHJ-NPRSTV-Z][0-9]"
    "|[1-9][0-9]{3} [A-Z]{2}(?= [A-Z][a-z])"
    "|〒 ?[0-9]{3}(?:-[0-9]{4})?"
    # Japan, Poland, Portugal, Brazil, United States; 50-800 are numbers of a list
    "|(?<!-)(?![0-9]+-[0-9]+[05]0(?![0-9]))(?:[0-9]{3}-[0-9]{4}|[0-9]{2}-[0-9]{3}|[0-9]{4}-[0-9]{3})"
    "|[0-9]{5}-[0-9]{3,4}"
    ")(?![A-Za-z0-9.]|-[0-9])"
)
_COORDINATES = re.compile(
    "[0-9]{1,3}° ?[0-9]{1,2}(?:[.][0-9]+)?' ?(?:[0-9]{1,2}(?:[.][0-9]+)?(?:\"|'')?)? ?[NSEWO]?"
    "|-?[0-9]{1,3}[.][0-9]{3,} ?°? ?[NSEWO]\\b|-?[0-9]{1,3}[.][0-9]{4,}, ?-?[0-9]{1,3}[.][0-9]{4,}"
)
_GERMAN_STREET = re.compile(
    f"(?<!{_LETTER}){_LETTER}*(?:stra(?:ß|ss)e|str[.]|gasse|platz|allee|weg|straat|laan"
    "|gracht|gatan|vägen|gade|vej|katu)"
    " ?[0-9]{1,4} ?[a-z]?(?![0-9a-z])",
    re.IGNORECASE,
)
_GERMAN_STREET_OF_TWO_WORDS = re.compile(
    f"(?<!{_LETTER})(?:{_NAME} (?:Straße|Strasse|Str[.]|Weg|Gasse|Platz|Allee|Ring|Damm|Ufer"
    "|straat|laan|plein"
    f"|sokak|sokağı|caddesi|cad[.])|(?:Am|An der|Auf der|Zum|Zur) {_NAME})"
    " [0-9]{1,3} ?[a-z]?(?![0-9A-Za-z.])"
)
_AFTER_NUMBER = re.compile(
    f"(?<![0-9A-Za-z.])[0-9]{{1,5}}[A-Za-z]?,? (?:{_NAME} ){{1,3}}"
    f"(?i:{'|'.join(sorted(STREETS_AFTER))})\\b[.]?"
    f"|(?<![0-9A-Za-z.])[0-9]{{1,5}},? (?:{_NAME} ){{1,3}}(?:St|Dr|Ct|Pl|Sq|Ln|Way)\\b[.]?"
    "(?! [0-9])"
)
_BEFORE_NAME = re.compile(
    f"(?:(?<![0-9A-Za-z.])[0-9]{{1,4}}(?: ?bis| ?ter)?,? )?\\b(?i:ul[.]|al[.]|pl[.]|"
    f"(?:{'|'.join(sorted(STREETS_BEFORE))})\\b)"
    " (?:(?:de|du|des|la|le|les|del|della|di|dos|das|d'|l'|św[.]) ?){0,2}"
    f"{_NAME}(?: {_NAME}){{0,2}}"
    ",? ?(?:[0-9]{1,4}[a-z]?(?![0-9A-Za-z]))?"
)
_INSTITUTION_WORDS = INSTITUTIONS_AFTER_NAMES | {"center", "centre"}
_CENTERS = frozenset({"center", "centre"})
_BEFORE_CENTERS = frozenset({"medical", "health", "cancer", "imaging"})
_GAPS = frozenset({" ", "-", "' ", "'"})
# patterns by the words that a text with a match contains, as whole words or at the end of one
_AFTER_WORDS = STREETS_AFTER | {"st", "dr", "ct", "pl", "sq", "ln", "way"}
_BEFORE_WORDS = STREETS_BEFORE | {"ul", "al", "pl"}
_TWO_WORDS = word_set(
    """
    straße strasse str weg gasse platz allee ring damm ufer straat laan plein sokak sokağı
    caddesi cad am an auf zum zur
    """
)
_ENDS = (
    "straße", "strasse", "str", "gasse", "platz", "allee", "weg", "ring", "damm", "ufer",
    "straat", "laan", "plein", "gracht", "gatan", "vägen", "gade", "vej", "katu", "tie",
)  # fmt: skip
_FEWEST_PLACES = re.compile("[0-9][.][0-9]{3}")


def place_spans(cased: str, lower: str, tokens: Sequence[Token]) -> Iterator[Span]:
    """Yield the spans of addresses, postcodes, coordinates and institutions.

    Parameters
    ----------
    cased, lower
        The comparable copies of a text.
    tokens
        Its runs of letters and of digits, in lower case.
    """
    words = {token.text for token in tokens}
    for pattern in _patterns(words, lower):
        for match in pattern.finditer(cased):
            if any(character in DIGITS for character in match[0]):
                yield Span(match.start(), match.end())
    if not words.isdisjoint(_INSTITUTION_WORDS):
        yield from institution_spans(cased, tokens)


def _patterns(words: Collection[str], lower: str) -> Iterator[re.Pattern[str]]:
    """Yield the patterns that can match a text with these words."""
    yield _POSTCODES
    if "\u00b0" in lower or _FEWEST_PLACES.search(lower):
        yield _COORDINATES
    if not _AFTER_WORDS.isdisjoint(words):
        yield _AFTER_NUMBER
    if not _BEFORE_WORDS.isdisjoint(words):
        yield _BEFORE_NAME
    if not _TWO_WORDS.isdisjoint(words):
        yield _GERMAN_STREET_OF_TWO_WORDS
    if any(word.endswith(_ENDS) for word in words):
        yield _GERMAN_STREET


def institution_spans(cased: str, tokens: Sequence[Token]) -> Iterator[Span]:
    """Yield up to two capitalised words before a word for an institution.

    Parameters
    ----------
    cased
        The comparable copy of a text with its case.
    tokens
        Its runs of letters and of digits, in lower case.
    """
    for place, token in enumerate(tokens):
        if token.text in INSTITUTIONS_AFTER_NAMES:
            last = place - 1
        elif token.text in _CENTERS and place > 1 and tokens[place - 1].text in _BEFORE_CENTERS:
            last = place - 2
        else:
            continue
        first = last
        while first >= 0 and first > last - 2:
            word = tokens[first]
            gap = cased[word.end : tokens[first + 1].start]
            if gap not in _GAPS or not cased[word.start].isupper() or not _is_name(word.text):
                break
            first -= 1
        if first < last:
            yield Span(tokens[first + 1].start, tokens[last].end)


def _is_name(word: str) -> bool:
    return word not in GENERIC_PLACES and len(word) > 1
