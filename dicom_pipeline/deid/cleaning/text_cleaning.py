"""Clean a free text: remove what identifies somebody, keep what describes the image.

A text loses the terms of its own patient, everything with the form of an identifier, and every
word that is not on the list of allowed words. Removed parts become ``[removed]``; what stays is
unchanged.

Belongs here: cleaning of one text; which of its pieces stay.
Does not belong here: the search for own terms (own_search), patterns (text_patterns and the modules
it names), initials (text_initials), characters (text_normal, text_tokens), terms (own_terms).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from dicom_pipeline.deid.cleaning.compound_words import compound_parts
from dicom_pipeline.deid.cleaning.own_search import own_spans
from dicom_pipeline.deid.cleaning.own_terms import NO_TERMS, OwnTerms
from dicom_pipeline.deid.cleaning.patterns.name_labels import (
    has_label,
    name_spans,
    spans_of_other_scripts,
)
from dicom_pipeline.deid.cleaning.patterns.name_words import NAME_WORDS, PARTICLES
from dicom_pipeline.deid.cleaning.patterns.number_groups import number_spans
from dicom_pipeline.deid.cleaning.patterns.number_words import has_number_words, number_word_spans
from dicom_pipeline.deid.cleaning.patterns.place_patterns import address_spans, place_spans
from dicom_pipeline.deid.cleaning.patterns.record_labels import label_spans
from dicom_pipeline.deid.cleaning.patterns.text_patterns import pattern_spans
from dicom_pipeline.deid.cleaning.text_initials import (
    MOMENT,
    REMOVED,
    dotted_letters,
    found_initials,
)
from dicom_pipeline.deid.cleaning.text_normal import normal_text
from dicom_pipeline.deid.cleaning.text_tokens import (
    BAR,
    CONTROLS,
    DIGITS,
    SEPARATOR_CHARACTERS,
    SEPARATORS,
    SPACES,
    VALUE_BAR,
    Span,
    Token,
    is_latin_script,
    pieces_of,
    tokens_with_positions,
    word_parts,
)
from dicom_pipeline.deid.cleaning.unspaced_words import UNSPACED, UnspacedWords, runs_of
from dicom_pipeline.deid.tokens import folded, lowered

REMOVED_TEXT = "[removed]"
_LONGEST_NUMBER = 4
_REMEMBERED_WORDS = 200_000

# What is not a letter, or the start of the text. Full stops and spaces inside a chain of initials
# are left out, because the chain is found from its start: a long one is not tried at each letter.
_INITIALS = "a-zA-Z\u0386-\u03ff\u0400-\u04ff"
_INITIAL = f"[{_INITIALS}]"
_IN_CHAIN = f"[^{_INITIALS}{CONTROLS}]{_INITIAL}"
_BEFORE_INITIALS = f"(?:^|(?<!{_IN_CHAIN})[.]|(?<!{_IN_CHAIN}[.]) |[^{_INITIALS}. ])"
# What belongs to a removed part: digits of an identifier, and initials, which are removed with it.
# Neighbouring removed parts become one. `#` stands for the mark.
_BESIDE_REMOVED = [
    (re.compile(pattern), replacement.replace("#", REMOVED))
    for pattern, replacement in (
        (f"[{CONTROLS}]+", "#"),
        (f"[{CONTROLS}][_./:-]?[0-9]{{3,}}", "#"),
        (f"(?<![a-zA-Z0-9])[0-9]{{3,}}[_./-]?[{CONTROLS}]", "#"),
        (f"[{CONTROLS}][,^]? ?{_INITIAL}[.]", "#"),
        (f"[{CONTROLS}](?:[,^]|, ){_INITIAL}(?!{_INITIAL}|[0-9])", "#"),
        (f"({_BEFORE_INITIALS})(?:{_INITIAL}[.] ?)+[{CONTROLS}]", "\\1#"),
        (f"(?<!{_INITIAL}){_INITIAL}(?:'|\u2019)[{CONTROLS}]", "#"),
        (f"[{CONTROLS}](?:[{SEPARATORS}]*[{CONTROLS}])+", "#"),
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
        The word in lower case, and without accents.
    parts
        Its parts in lower case; empty if it has only one.
    is_latin
        Whether it is in the Latin script.
    kept
        The characters that stay: all, none, or those of the listed words in a script without
        spaces.
    """

    lower: frozenset[str]
    parts: tuple[str, ...]
    is_latin: bool
    kept: tuple[bool, ...] | bool


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
        self._unspaced = UnspacedWords(self.allowed_words)
        self._words: dict[str, _Word] = {}

    def clean(self, text: str, own: OwnTerms) -> CleanedText:
        """Clean a text.

        Parameters
        ----------
        text
            The text; a backslash separates values.
        own
            Terms of the patient, or of all patients for the text of a device.
        """
        try:
            return CleanedText(self._clean(text, own))
        except Exception:  # noqa: BLE001 - its message may quote the text
            return CleanedText(REMOVED_TEXT, failed=True)

    def _clean(self, text: str, own: OwnTerms) -> str | None:
        if not text:
            return None
        normal = normal_text(text)
        tokens = tokens_with_positions(normal.lower)
        spans = self._spans(normal.cased, normal.lower, tokens, own)
        marked = _marked(normal.cased, spans)
        pieces = pieces_of(marked)
        initials: Collection[int] = ()
        if own.initials or own.dotted:
            initials = found_initials(pieces, own, dotted_letters(normal.lower, own.dotted))
        kept = []
        start = 0
        is_same = normal.cased is normal.text
        for place, piece in enumerate(pieces):
            first = piece[0]
            end = start + len(piece)
            original = piece if is_same and piece.isprintable() else normal.text[start:end]
            if first in SEPARATOR_CHARACTERS:
                # removed parts have marks, whatever the text has
                kept.append(original if piece.isprintable() else _unmarked(piece, original))
            elif place in initials:
                kept.append(REMOVED)
            elif first in DIGITS:
                stays = len(piece) <= _LONGEST_NUMBER and piece not in own.tokens
                kept.append(original if stays else REMOVED)
            else:
                kept.append(self._kept(piece, original, own))
            start = end
        return _with_markers("".join(kept))

    def _spans(self, cased: str, lower: str, tokens: list[Token], own: OwnTerms) -> Iterable[Span]:
        """Return the parts that identify somebody, whatever words they consist of."""
        spans = [*own_spans(tokens, lower, own), *pattern_spans(tokens, lower)]
        words = frozenset(token.text for token in tokens)
        if any(word[0] in DIGITS for word in words):
            spans += number_spans(tokens, lower, self.is_allowed)
            spans += label_spans(tokens, lower)
            spans += address_spans(cased, tokens, words, self.is_allowed)
        if has_number_words(words, lower):
            spans += number_word_spans(tokens, lower)
        spans += place_spans(cased, lower, tokens)
        if not lower.isascii():
            spans += spans_of_other_scripts(cased)
        if has_label(words):
            spans += name_spans(tokens, cased, self.is_allowed)
        return spans

    def has_identifier(self, text: str) -> bool:
        """Whether a part of a text has the form of an identifier, whatever its words are.

        Parameters
        ----------
        text
            The text; a backslash separates values.
        """
        normal = normal_text(text)
        tokens = tokens_with_positions(normal.lower)
        return any(self._spans(normal.cased, normal.lower, tokens, NO_TERMS))

    def is_allowed(self, word: str) -> bool:
        """Whether a word identifies nobody by itself."""
        return self._known(word).kept is True

    def _kept(self, piece: str, original: str, own: OwnTerms) -> str:
        word = self._known(piece)
        if word.kept is False or not own.tokens.isdisjoint(word.lower):
            return REMOVED
        # a name that is joined to another word: MBien, of a patient named Bien
        if word.parts and not own.tokens.isdisjoint(word.parts):
            return REMOVED
        if not word.is_latin and any(
            name in lower for name in own.unspaced for lower in word.lower
        ):
            return REMOVED
        if word.kept is True:
            return original
        return "".join(
            c if stays else REMOVED for c, stays in zip(original, word.kept, strict=True)
        )

    def _known(self, piece: str) -> _Word:
        return self._words.get(piece) or self._word(piece)

    def _word(self, piece: str) -> _Word:
        lower = lowered(piece)
        split = word_parts(piece)
        parts = tuple(lowered(part) for part in split)
        kept: tuple[bool, ...] | bool = lower in self.allowed_words or (
            self.allowed_words.issuperset(parts)
            # two letters are a word only in a script that writes whole words with them
            and any(len(part) > 2 or not is_latin_script(part) for part in split)
        )
        # LeBlanc, VanHorn
        if kept and len(parts) == 2 and parts[0] in PARTICLES and parts[1] in NAME_WORDS:
            kept = lower in self.allowed_words
        if not kept and (compound := compound_parts(lower, self.allowed_words)):
            kept, parts = True, compound
        if UNSPACED.search(lower):
            kept = self._of_unspaced(piece)
        word = _Word(
            frozenset({lower, folded(lower)}),
            parts if len(parts) > 1 else (),
            is_latin_script(piece),
            kept,
        )
        if len(self._words) >= _REMEMBERED_WORDS:
            self._words.clear()
        self._words[piece] = word
        return word

    def _of_unspaced(self, piece: str) -> tuple[bool, ...] | bool:
        stays: list[bool] = []
        for run in runs_of(piece):
            if UNSPACED.search(run):
                stays += self._unspaced.kept(lowered(run))
            else:
                stays += [self.is_allowed(run)] * len(run)
        return all(stays) or tuple(stays)


def _marked(text: str, spans: Iterable[Span]) -> str:
    """Return a text with a mark for each character of the spans."""
    marks: list[str] | None = None
    # the mark of a moment is stronger
    for start, end, is_moment in sorted(spans, key=lambda span: span.is_moment):
        if marks is None:
            marks = list(text)
        marks[start:end] = (MOMENT if is_moment else REMOVED) * (end - start)
    return text if marks is None else "".join(marks)


def _unmarked(piece: str, original: str) -> str:
    """Return the characters of a separator, and marks for the removed parts in it."""
    return "".join(
        character if mark.isprintable() else REMOVED
        for mark, character in zip(piece, original, strict=True)
    )


def _with_markers(text: str) -> str:
    """Write the marks of removed parts as text, and the bars between values as backslashes."""
    if REMOVED in text:
        for pattern, replacement in _BESIDE_REMOVED:
            text = pattern.sub(replacement, text)
    if BAR in text:
        text = _BARS.sub(BAR, text.replace(VALUE_BAR, "\\")).replace(BAR, "\\")
    return text.replace(REMOVED, REMOVED_TEXT).strip(SPACES)
