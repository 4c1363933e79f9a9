"""Identity terms of one patient, indexed for searching texts.

Devices have no patient: their texts are searched for the terms of all patients, with fewer kinds.

Belongs here: which terms apply, in which form, and their indexes.
Does not belong here: where terms come from (identity_terms), and the search (text_cleaning,
kept_values).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from dicom_pipeline.deid.cleaning.text_tokens import DIGITS, is_latin_script

_NAMES = frozenset({"name", "person"})
_NUMBERS = frozenset({"id", "contact"})
_INITIALS = frozenset({"initials", "dotted"})
# terms of these kinds apply although they are allowed words
_WHATEVER_THE_WORD = _NAMES | _INITIALS
_PHRASE_DIGITS = 4

Term = tuple[str, str]


class Phrase(NamedTuple):
    """A term of several tokens.

    Attributes
    ----------
    padded
        The tokens with a space before, between and after them.
    removed
        Tokens that are removed from a text with the phrase.
    dotted
        Letters of initials, which are removed in place of tokens; the text must contain
        ``dots``.
    dots
        Initials with full stops between them; empty for other phrases.
    """

    padded: str
    removed: tuple[str, ...]
    dotted: tuple[str, ...] = ()
    dots: str = ""


@dataclass(frozen=True, slots=True)
class OwnTerms:
    """Terms that are removed from the texts of one patient, or of devices.

    ``repr`` omits the terms, so that they do not appear in tracebacks.

    Attributes
    ----------
    tokens
        Single tokens.
    unspaced
        Those of them in scripts that may be written without spaces.
    phrases
        Phrases by their first token.
    initials
        Kinds of initials, by their capital letters.
    kept_phrases
        Terms, with a space before and after them, that a kept value must not contain; by their
        first token.
    kept_unspaced
        Names that a kept value must not contain at any position.
    """

    tokens: frozenset[str] = field(repr=False)
    unspaced: tuple[str, ...] = field(repr=False)
    phrases: dict[str, tuple[Phrase, ...]] = field(repr=False)
    initials: dict[str, tuple[str, ...]] = field(repr=False)
    kept_phrases: dict[str, tuple[str, ...]] = field(repr=False)
    kept_unspaced: tuple[str, ...] = field(repr=False)

    @classmethod
    def of_patient(cls, terms: Iterable[Term], allowed_words: Collection[str]) -> OwnTerms:
        """Index the terms of one patient.

        Parameters
        ----------
        terms
            Kinds and terms, of all studies of the patient.
        allowed_words
            Words that identify nobody in an identifier or a place.
        """
        own = _applicable(terms, allowed_words)
        tokens = {term for kind, term in own if kind in _NAMES | _NUMBERS and " " not in term}
        initials: dict[str, tuple[str, ...]] = {}
        for kind, term in own:
            if kind in _INITIALS:
                initials[term.upper()] = (*initials.get(term.upper(), ()), kind)
        phrases = {_phrase(term) for kind, term in own if _is_phrase(kind, term)}
        phrases |= {
            _dotted(term) for kind, term in own if kind in _INITIALS and len(term) in (2, 3)
        }
        return cls(
            tokens=frozenset(tokens),
            unspaced=tuple(sorted(token for token in tokens if not is_latin_script(token))),
            phrases=_by_first_token(phrases),
            initials=initials,
            kept_phrases=_padded(
                term
                for kind, term in own
                if kind in _NAMES | _NUMBERS
                or (kind == "place" and (" " not in term or len(term) > 8))
            ),
            kept_unspaced=_unspaced_names(own),
        )

    @classmethod
    def of_devices(cls, terms: Iterable[Term], allowed_words: Collection[str]) -> OwnTerms:
        """Index the terms of all patients for the texts of devices.

        Only long terms apply: a manufacturer may have the name of a patient, and among the terms
        of all patients every short one occurs.
        """
        own = _applicable(terms, allowed_words)
        phrases = {
            _phrase(term)
            for kind, term in own
            if (kind in _NUMBERS or kind == "place")
            and " " in term
            and sum(character in DIGITS for character in term) >= _PHRASE_DIGITS
        }
        return cls(
            tokens=frozenset(),
            unspaced=(),
            phrases=_by_first_token(phrases),
            initials={},
            kept_phrases=_padded(
                term
                for kind, term in own
                if len(term) > (5 if kind in _NUMBERS else 2)
                and (kind in _NAMES | _NUMBERS or kind == "place")
            ),
            kept_unspaced=_unspaced_names(own),
        )


def parse_terms(lines: str) -> set[Term]:
    """Parse the column ``terms`` of the raw table ``identity_terms``: lines ``kind:term``."""
    found = set()
    for line in lines.split("\n"):
        kind, _, term = line.partition(":")
        found.add((kind, term))
    return found


def years_of(lines: Iterable[str]) -> frozenset[str]:
    """Return the years of the dates in columns ``terms``, which belong to one study."""
    return frozenset(
        line[5:9] for terms in lines for line in terms.split("\n") if line.startswith("date:")
    )


def _applicable(terms: Iterable[Term], allowed_words: Collection[str]) -> set[Term]:
    return {
        (kind, term)
        for kind, term in terms
        if kind in _WHATEVER_THE_WORD or term not in allowed_words
    }


def _is_phrase(kind: str, term: str) -> bool:
    """Whether a term has several tokens; those of a place must be long enough."""
    if " " not in term:
        return False
    has_digit = any(character in DIGITS for character in term)
    return kind != "place" or len(term) > 8 or (len(term) > 5 and has_digit)


def _phrase(term: str) -> Phrase:
    # the letter of X1234 is in too many words: 512x512
    tokens = term.split(" ")
    if len(term) > 5:
        tokens = [token for token in tokens if not (len(token) == 1 and "a" <= token <= "z")]
    return Phrase(padded=f" {term} ", removed=tuple(tokens))


def _dotted(initials: str) -> Phrase:
    return Phrase(
        padded=f" {' '.join(initials)} ",
        removed=(),
        dotted=tuple(initials),
        dots=".".join(initials),
    )


def _by_first_token(phrases: Iterable[Phrase]) -> dict[str, tuple[Phrase, ...]]:
    found: dict[str, list[Phrase]] = {}
    for phrase in phrases:
        found.setdefault(phrase.padded.split(" ", 2)[1], []).append(phrase)
    return {first: tuple(listed) for first, listed in found.items()}


def _padded(terms: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for term in set(terms):
        found.setdefault(term.split(" ", 1)[0], []).append(f" {term} ")
    return {first: tuple(listed) for first, listed in found.items()}


def _unspaced_names(own: Iterable[Term]) -> tuple[str, ...]:
    names = {term for kind, term in own if kind == "name" and not is_latin_script(term)}
    return tuple(sorted(names))
