"""Clean a free text: remove what identifies somebody, keep what describes the image.

A text loses the terms of its own patient, everything with the form of an identifier, and every
word that is not on the list of allowed words. Removed parts become ``[removed]``.

Belongs here: cleaning of one text; which of its pieces stay.
Does not belong here: patterns (text_patterns), initials (text_initials), characters (text_tokens),
terms (own_terms).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from dicom_pipeline.deid.cleaning.own_terms import OwnTerms
from dicom_pipeline.deid.cleaning.text_initials import found_initials
from dicom_pipeline.deid.cleaning.text_patterns import (
    MOMENT,
    REMOVED,
    fold,
    mark_patterns,
    replace_folded,
    spaces_for_controls,
)
from dicom_pipeline.deid.cleaning.text_tokens import (
    BAR,
    CONTROLS,
    DIGITS,
    SEPARATOR_CHARACTERS,
    SEPARATORS,
    SPACES,
    VALUE_BAR,
    is_latin_script,
    pieces_of,
    text_tokens,
    word_parts,
)
from dicom_pipeline.deid.tokens import lowered

REMOVED_TEXT = "[removed]"
_LONGEST_NUMBER = 4
_REMEMBERED_WORDS = 200_000

# What is not a letter, or the start of the text. Full stops and spaces inside a chain of initials
# are left out, because the chain is found from its start: a long one is not tried at each letter.
_IN_CHAIN = f"[^a-z{CONTROLS}][a-z]"
_BEFORE_INITIALS = f"(?:^|(?<!{_IN_CHAIN})[.]|(?<!{_IN_CHAIN}[.]) |[^a-z. ])"
# What belongs to a removed part: digits of an identifier, and initials, which are removed with it.
# Neighbouring removed parts become one. `#` stands for the mark.
_BESIDE_REMOVED = [
    (re.compile(pattern), replacement.replace("#", REMOVED))
    for pattern, replacement in (
        (f"[{CONTROLS}][_./:-]?[0-9]{{3,}}", "#"),
        (f"[0-9]{{3,}}[_./-]?[{CONTROLS}]", "#"),
        (f"[{CONTROLS}][,^]? ?[a-z][.]", "#"),
        (f"[{CONTROLS}](?:[,^]|, )[a-z](?:[^a-z0-9]|\\Z)", "# "),
        (f"{_BEFORE_INITIALS}(?:[a-z][.] ?)+[{CONTROLS}]", " #"),
        (f"(?:^|[^a-z])[a-z](?:'|\u2019)[{CONTROLS}]", " #"),
        (f"[{CONTROLS}](?:[{SEPARATORS}]*[{CONTROLS}])+", "#"),
        # patterns are replaced together with their neighbours, by a mark with spaces
        (f"(?<! ) +[{CONTROLS}]", " #"),
        (f"[{CONTROLS}] +", "# "),
    )
]
_BARS = re.compile(f"{BAR}+")


class CleanedText(NamedTuple):
    """Result of cleaning a text.

    Attributes
    ----------
    text
        The text without its identifying parts; None for an empty text.
    failed
        Whether cleaning raised an exception; the whole text is removed then.
    """

    text: str | None
    failed: bool = False


class _Word(NamedTuple):
    """What is known of a word whoever the patient is.

    Attributes
    ----------
    lower
        The word in lower case.
    parts
        Its parts in lower case; empty if it has only one.
    is_latin
        Whether it is in the Latin script.
    is_allowed
        Whether it, or each of its parts, is an allowed word.
    """

    lower: str
    parts: tuple[str, ...]
    is_latin: bool
    is_allowed: bool


class TextCleaner:
    """Cleaner of texts with one list of allowed words.

    Parameters
    ----------
    allowed_words
        Words, in lower case, that identify nobody.
    """

    def __init__(self, allowed_words: Collection[str]) -> None:
        # dbt reads the word null of a seed as no value
        self.allowed_words = frozenset(allowed_words) | {"null"}
        self._words: dict[str, _Word] = {}

    def clean(self, text: str, own: OwnTerms, study_years: Collection[str]) -> CleanedText:
        """Clean a text.

        Parameters
        ----------
        text
            The text; a backslash separates values.
        own
            Terms of the patient, or of all patients for the text of a device.
        study_years
            Years of the dates of the text's own study; none for a device.
        """
        try:
            return CleanedText(self._clean(text, own, study_years))
        except Exception:  # noqa: BLE001 - its message may quote the text
            return CleanedText(REMOVED_TEXT, failed=True)

    def _clean(self, text: str, own: OwnTerms, study_years: Collection[str]) -> str | None:
        if not text:
            return None
        spaced = spaces_for_controls(text)
        marked = mark_patterns(spaced.replace(BAR, " ").replace("\\", VALUE_BAR))
        pieces = pieces_of(marked)
        phrase_tokens, dotted = _found_phrases(text, own)
        own_tokens = phrase_tokens | own.tokens if phrase_tokens else own.tokens
        initials = found_initials(pieces, own, dotted) if own.initials or dotted else ()
        kept = []
        for place, piece in enumerate(pieces):
            first = piece[0]
            if first in SEPARATOR_CHARACTERS:
                kept.append(piece.replace(MOMENT, REMOVED))
            elif place in initials:
                kept.append(REMOVED)
            elif first in DIGITS:
                stays = len(piece) <= _LONGEST_NUMBER and not (
                    piece in own_tokens or piece in study_years
                )
                kept.append(piece if stays else REMOVED)
            else:
                stays = self._stays(piece, own, own_tokens)
                kept.append(piece if stays else REMOVED)
        return _with_markers("".join(kept))

    def _stays(self, piece: str, own: OwnTerms, own_tokens: Collection[str]) -> bool:
        word = self._words.get(piece) or self._word(piece)
        if not word.is_allowed or word.lower in own_tokens:
            return False
        # a name that is joined to another word: MBien, of a patient named Bien
        if word.parts and not own.tokens.isdisjoint(word.parts):
            return False
        return word.is_latin or not any(name in word.lower for name in own.unspaced)

    def _word(self, piece: str) -> _Word:
        lower = lowered(piece)
        split = word_parts(piece)
        parts = tuple(lowered(part) for part in split)
        is_allowed = lower in self.allowed_words or (
            self.allowed_words.issuperset(parts)
            # two letters are a word only in a script that writes whole words with them
            and any(len(part) > 2 or not is_latin_script(part) for part in split)
        )
        word = _Word(lower, parts if len(parts) > 1 else (), is_latin_script(piece), is_allowed)
        if len(self._words) >= _REMEMBERED_WORDS:
            self._words.clear()
        self._words[piece] = word
        return word


def _found_phrases(text: str, own: OwnTerms) -> tuple[set[str], set[str]]:
    """Return the tokens to remove and the letters of initials, of all phrases in a text.

    Phrases are searched in the text as it was, because patterns remove parts of a phrase.
    """
    tokens: set[str] = set()
    letters: set[str] = set()
    if not own.phrases:
        return tokens, letters
    lower = lowered(text)
    listed = text_tokens(lower)
    firsts = own.phrases.keys() & set(listed)
    if not firsts:
        return tokens, letters
    sentence = f" {' '.join(listed)} "
    with_dots = lower.replace(". ", ".")
    for first in firsts:
        for phrase in own.phrases[first]:
            if phrase.padded in sentence and phrase.dots in with_dots:
                tokens.update(phrase.removed)
                letters.update(phrase.dotted)
    return tokens, letters


def _with_markers(text: str) -> str:
    """Write the marks of removed parts as text, and the bars between values as backslashes."""
    if REMOVED in text:
        folded = fold(text)
        for pattern, replacement in _BESIDE_REMOVED:
            text, folded = replace_folded(text, folded, pattern, replacement)
    if BAR in text:
        text = _BARS.sub(BAR, text.replace(VALUE_BAR, "\\")).replace(BAR, "\\")
    return text.replace(REMOVED, REMOVED_TEXT).strip(SPACES)
