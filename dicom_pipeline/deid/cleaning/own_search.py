"""Find the terms of a patient in a text, however the text groups and separates their parts.

Belongs here: the search for joined and split terms, numbers and dates of the patient.
Does not belong here: the terms (own_terms, own_dates), single words (text_cleaning), initials
(text_initials).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from dicom_pipeline.deid.cleaning.own_dates import is_pair
from dicom_pipeline.deid.cleaning.own_terms import OwnTerms, look_alike
from dicom_pipeline.deid.cleaning.patterns.number_groups import is_attached, is_measure
from dicom_pipeline.deid.cleaning.patterns.place_words import (
    BEFORE_PLACES,
    GENERIC_PLACES,
    INSTITUTIONS,
)
from dicom_pipeline.deid.cleaning.text_initials import PERSON_LABELS
from dicom_pipeline.deid.cleaning.text_tokens import BAR, DIGITS, Span, Token, word_set
from dicom_pipeline.deid.tokens import folded

# characters between two parts of a term
_LONGEST_GAP = 3
# a name of two words, such as that of "he in", is a name whatever separates it if it is this long
_LONG_NAME = 6
_MOST_DIGITS = 24
_MOST_GROUPS_OF_A_DATE = 4
_LETTERS = re.compile(r"[^\W\d_]")
_DIGIT = re.compile("[0-9]")
_LETTERS_AND_DIGITS = re.compile(r"[^\W_]{4,}")
_BEFORE_FREE, _AFTER_FREE = frozenset(" <([{#\"'=:"), frozenset(" >)]}\"',;.!?:")
_ID_LABELS = word_set(
    """
    patient patients pat pt id pid ident identifier identification subject subj subjekt case
    fall mrn no nr num number nummer numero número volunteer proband participant record chart
    acc accession paciente paziente pacjent hasta case cas caso
    """
)


def own_spans(tokens: Sequence[Token], lower: str, own: OwnTerms) -> Iterator[Span]:
    """Yield the spans of joined and split terms, numbers, dates and short identifiers.

    Parameters
    ----------
    tokens
        Runs of letters and of digits of the text, in lower case.
    lower
        The text in lower case.
    own
        Terms of the patient.
    """
    if own.joined:
        yield from _joined_terms(tokens, lower, own)
    groups = [token for token in tokens if token.text[0] in DIGITS]
    if groups:
        if own.numbers or own.dates.years:
            yield from _numbers(groups, lower, own)
        if not own.last_digits.isdisjoint([group.text for group in groups]):
            yield from _last_digits(tokens, lower, own.last_digits)
        if own.confused:
            yield from _confused_terms(groups, lower, own.confused)
    if own.letters:
        yield from _letter_names(tokens, lower, own)
    if own.short:
        yield from _short_identifiers(tokens, lower, own.short)
    if own.unspaced_places and not lower.isascii():
        for name in own.unspaced_places:
            start = lower.find(name)
            while start >= 0:
                yield Span(start, start + len(name))
                start = lower.find(name, start + len(name))
    if own.places and not own.places.isdisjoint({token.text for token in tokens}):
        yield from _places(tokens, lower, own.places)


def _gap_ok(gap: str) -> bool:
    return len(gap) <= _LONGEST_GAP and BAR not in gap


def _joined_terms(tokens: Sequence[Token], lower: str, own: OwnTerms) -> Iterator[Span]:
    joined, beginnings = own.joined, own.beginnings
    texts = [token.text if token.text.isascii() else folded(token.text) for token in tokens]
    for first, text in enumerate(texts):
        beginning = text if len(text) > 1 else text + "".join(texts[first + 1 : first + 2])
        if beginning[:2] not in beginnings:
            continue
        last, found, gaps = first, text, ""
        while True:
            if found in joined:
                is_single = first == last
                if (
                    is_single
                    or not joined[found]
                    or len(found) >= _LONG_NAME
                    or gaps.strip(" ")
                    or any(len(texts[i]) == 1 for i in range(first, last + 1))
                    or not gaps
                ):
                    yield Span(tokens[first].start, tokens[last].end)
            last += 1
            if last == len(texts) or len(found) >= own.longest:
                break
            gap = lower[tokens[last - 1].end : tokens[last].start]
            if not _gap_ok(gap):
                break
            found += texts[last]
            gaps += gap
            if len(found) > 1 and found[:2] not in beginnings:
                break


def _numbers(groups: Sequence[Token], lower: str, own: OwnTerms) -> Iterator[Span]:
    numbers, dates = own.numbers, own.dates
    gaps = [lower[a.end : b.start] for a, b in itertools.pairwise(groups)]
    linked = [_gap_ok(gap) and not _LETTERS.search(gap) for gap in gaps]
    linked.append(False)
    for first, token in enumerate(groups):
        # 2018, or '18
        is_short = len(token.text) == 2 and lower[token.start - 1 : token.start] == "'"
        if token.text in dates.years or (is_short and token.text in dates.short_years):
            yield Span(token.start, token.end, is_moment=True)
        digits = padded = ""
        for last in range(first, len(groups)):
            group = groups[last]
            text = group.text
            digits += text
            if len(digits) > 3 and digits.lstrip("0") in numbers:
                yield Span(token.start, group.end)
            padded += text if len(text) > 1 else f"0{text}"
            # 1 7 0 3 2 0 1 6
            is_spaced = len(digits) == last - first + 1
            if is_spaced and len(digits) in (6, 8) and digits in dates.complete:
                yield Span(token.start, group.end, is_moment=True)
            # the first digit of 3.0 mm is no day
            if padded in dates.complete and last - first < _MOST_GROUPS_OF_A_DATE:
                if not is_measure(lower, group.start):
                    yield Span(token.start, group.end, is_moment=True)
            elif padded in dates.pairs and last - first < 2:
                before = lower[token.start - 1 : token.start] if token.start else ""
                after = lower[group.end : group.end + 1]
                texts = [found.text for found in groups[first : last + 1]]
                if is_pair(texts, gaps[first:last], before, after):
                    yield Span(token.start, group.end, is_moment=True)
            if not linked[last] or len(digits) > _MOST_DIGITS:
                break


def _short_identifiers(
    tokens: Sequence[Token], lower: str, short: frozenset[str]
) -> Iterator[Span]:
    for place, token in enumerate(tokens):
        # one or two tokens: 7, or x 7
        for last in range(place, min(place + 2, len(tokens))):
            text = "".join(t.text for t in tokens[place : last + 1])
            if text not in short and text.lstrip("0") not in short:
                continue
            before = lower[tokens[place - 1].end : token.start] if place > 0 else BAR
            following = tokens[last + 1].start if last + 1 < len(tokens) else len(lower)
            after = lower[tokens[last].end : following]
            is_alone = BAR in before and (BAR in after or following == len(lower))
            label = tokens[place - 1].text if place > 0 else ""
            is_free = last == place and len(text) > 1 and _is_free(place, tokens, lower)
            if is_alone or is_free or (label in _ID_LABELS and _gap_ok(before)):
                yield Span(token.start, tokens[last].end)


def _is_free(place: int, tokens: Sequence[Token], lower: str) -> bool:
    """Whether a number is no part of another number, a measure or a parameter."""
    token = tokens[place]
    before, after = lower[token.start - 1 : token.start], lower[token.end : token.end + 1]
    return (
        token.text[0] in DIGITS
        and (not before or before in _BEFORE_FREE)
        and (not after or after in _AFTER_FREE)
        and not _DIGIT.match(lower, token.end + 1)
        and not is_attached(place, tokens, lower)
    )


def _last_digits(
    tokens: Sequence[Token], lower: str, last_digits: frozenset[str]
) -> Iterator[Span]:
    for place, token in enumerate(tokens):
        if token.text in last_digits and not is_attached(place, tokens, lower):
            yield Span(token.start, token.end)


def _confused_terms(
    groups: Sequence[Token], lower: str, confused: frozenset[str]
) -> Iterator[Span]:
    """Yield letters mixed with digits that are a term with characters that look alike."""
    if not any(
        lower[group.end : group.end + 1].isalpha() or lower[group.start - 1 : group.start].isalpha()
        for group in groups
    ):
        return
    for match in _LETTERS_AND_DIGITS.finditer(lower):
        if match[0].isalpha() or match[0].isdigit():
            continue
        found = look_alike(folded(match[0]))
        if found in confused or found.lstrip("o") in confused:
            yield Span(match.start(), match.end())


def _letter_names(tokens: Sequence[Token], lower: str, own: OwnTerms) -> Iterator[Span]:
    """Yield names of one letter beside another name or initial of the patient, and after a label.

    The letter before a genitive is one, too.
    """
    for place, token in enumerate(tokens):
        if token.text not in own.letters:
            continue
        sides = [
            tokens[other]
            for other, start, end in ((place - 1, place - 1, place), (place + 1, place, place + 1))
            if 0 <= other < len(tokens) and _gap_ok(lower[tokens[start].end : tokens[end].start])
        ]
        is_named = place > 0 and (
            tokens[place - 1].text in PERSON_LABELS
            and _gap_ok(lower[tokens[place - 1].end : token.start])
        )
        is_genitive = lower[token.end : token.end + 2] in ("'s", "\u2019s")
        initials = {token.text + side.text for side in sides} | {
            side.text + token.text for side in sides
        }
        beside = any(side.text in own.tokens for side in sides) or any(
            pair.upper() in own.initials and lower[max(s.end for s in (token, *sides)) :][:1] == "."
            for pair in initials
        )
        if is_named or is_genitive or beside:
            yield Span(token.start, token.end)


def _places(tokens: Sequence[Token], lower: str, places: frozenset[str]) -> Iterator[Span]:
    """Yield listed words of an institution that stand beside another word of one."""
    specific = places - GENERIC_PLACES
    for place, token in enumerate(tokens):
        if token.text not in specific:
            continue
        before = tokens[place - 1].text if place > 0 else ""
        after = tokens[place + 1].text if place + 1 < len(tokens) else ""
        if (
            len(tokens) == 1
            or before in specific
            or after in specific
            or after in INSTITUTIONS
            or before in INSTITUTIONS
            or before in BEFORE_PLACES
            or lower[max(0, token.start - 2) : token.start].rstrip().endswith("@")
        ):
            yield Span(token.start, token.end)
