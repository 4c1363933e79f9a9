"""Identity terms: search terms derived from values that identify a person.

A term is a kind and a sequence of tokens with single spaces: ``id:mrn 4711``. The cleaning of texts
and the leak check search for these terms.

Belongs here: pure functions from the text of values to terms.
Does not belong here: tokens (deid.tokens), the list of attributes (mapping.identity_attributes),
rows (extract.tables), and the use of the terms (deid.cleaning, warehouse).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.deid.identity_words import ABBREVIATIONS, AFFIXES, CONNECTORS, ROLES, TITLES
from dicom_pipeline.deid.tokens import (
    folded,
    forms_of,
    is_latin,
    long_enough,
    parts_of,
    spellings,
    tokens_of,
    words_of,
)
from dicom_pipeline.mapping.identity_attributes import IdentityAttributes

CACHED = 1024
LONGEST_ACRONYM = 12
# minimum lengths: shorter terms occur in too many words
_ID_LETTERS = 3  # characters of a whole identifier
_ID_DIGITS = 4  # digits of a number
_JOINED = 4  # letters of a component without its spaces
_WHOLE = 6  # letters of a whole name without spaces (Ng^Lu must not match the word lung)

_DIGITS = re.compile("[0-9]+")
_ENTRY = re.compile(r"[,;:\r\n]")
_PIECE = re.compile(r"[\s<>()\"]+")
_CLAUSE = re.compile(r"[,;:()\[\]/\r\n\u2013\u2014]| - ")
_DATE = re.compile(r"([0-9]{4})([.\-/]?)([0-9]{2})\2([0-9]{2})")
# VRs in which a backslash is a character and does not separate values
_SINGLE = frozenset({"LT", "ST", "UT"})


def _values(vr: str, text: str) -> list[str]:
    return [text] if vr in _SINGLE else text.split("\\")


def _name_terms(vr: str, text: str) -> Iterator[str]:
    """Terms of the patient's names: every token, initials, and pseudonyms as identifiers."""
    for group in _groups(vr, text):
        words = _component_words(group, frozenset())
        if _DIGITS.search(group):
            yield from _whole_id(group)
            # a pseudonym of a research archive, such as Breast_MRI_001, contains no names;
            # with several components (Doe^Baby 2) it is still the name of a person
            if sum(bool(tokens_of(component)) for component in _components(group)) < 2:
                continue
        for name in _names(group, words, frozenset(), letters=2):
            yield f"name:{name}"
        yield from _initials_terms(words)
        # a title before the given name: Roe^Dr Jane has the initials D, R in addition to J, R
        pieces = [words_of(component)[:1] for component in _components(group)[:2]]
        if len(pieces) > 1 and TITLES.intersection(pieces[1]):
            yield from _initials_terms([words[0], pieces[1]])


def _person_terms(vr: str, text: str) -> Iterator[str]:
    for group in _groups(vr, text):
        words = _component_words(group, ROLES)
        for name in _names(group, words, ROLES, letters=3):
            yield f"person:{name}"
        yield from _initials_terms(words)
        # operators often sign with their initials only
        for word in (word for component in words for word in component if len(word) == 2):
            yield from _initials_terms([[word[0]], [word[1]]])


def _initials_terms(words: list[list[str]]) -> Iterator[str]:
    for initials in _initials(words):
        if 2 <= len(initials) <= 4:
            kind = "dotted" if initials in ABBREVIATIONS else "initials"
            yield f"{kind}:{initials}"


def _groups(vr: str, text: str) -> Iterator[str]:
    """Alphabetic, ideographic and phonetic groups (PS3.5 section 6.2) of all names in a value."""
    for value in _values(vr, text):
        yield from value.split("=")


def _components(group: str) -> list[str]:
    """Family, given and middle name, prefix and suffix; without carets, the parts at commas."""
    return group.split("^" if "^" in group else ",")


def _component_words(group: str, skipped: frozenset[str]) -> list[list[str]]:
    """Words of each component, without titles and skipped words."""
    found = []
    in_names, in_affixes = skipped | TITLES, skipped | AFFIXES
    for position, component in enumerate(_components(group)):
        ignored = in_affixes if position > 2 else in_names
        if position > 2:  # Ph.D.
            component = component.replace(".", "")
        pieces = [piece for word in words_of(component) for piece in parts_of(word)]
        found.append([piece for piece in pieces if piece not in ignored])
    return found


def _names(
    group: str, words: list[list[str]], skipped: frozenset[str], *, letters: int
) -> set[str]:
    found = {word for component in words for word in component if long_enough(word, letters)}
    # with a typographic apostrophe O'Brien is one token, in texts too
    found.update(w for w in words_of(group) if len(parts_of(w)) > 1 and w not in skipped)
    for component in words[:3]:
        if len(component) > 1:
            found.update(_joined(_JOINED, component))
    family, given = (words[0], words[1]) if len(words) > 1 else (words[0][:1], words[0][1:])
    if family and given:
        for first in (given, given[:1]):
            found.update(_joined(_WHOLE, family, first), _joined(_WHOLE, first, family))
        # family name with initial: Farmer^Sue is also written FARMERS
        if is_latin(given[0]):
            letter = [folded(given[0])[0]]
            found.update(_joined(_WHOLE, family, letter), _joined(_WHOLE, letter, family))
    return {form for name in found for form in spellings(name)}


def _joined(letters: int, *words: list[str]) -> Iterator[str]:
    joined = unicodedata.normalize("NFC", "".join(word for part in words for word in part))
    if long_enough(joined, letters):
        yield joined


def _initials(words: list[list[str]]) -> Iterator[str]:
    """Yield initials of given and family name in either order, with and without middle names."""
    letters = [[folded(word)[0] for word in component if is_latin(word)] for component in words[:3]]
    family, given, middle = (*letters, [], [], [])[:3]
    if not (family and given):
        only = family or given
        yield "".join(only + middle)
        yield "".join((only + middle)[-1:] + (only + middle)[:-1])
        return
    between = given[1:] + middle
    for last in {family[0], family[-1], "".join(family)}:
        # Quincy^Ana Rosa: with the second given name, the middle name, both, or neither
        for inner in {"", *between[:1], *middle[:1], "".join(between)}:
            yield given[0] + inner + last
            yield last + given[0] + inner


def _id_terms(vr: str, text: str) -> Iterator[str]:
    for value in _values(vr, text):
        yield from _whole_id(value)


def _whole_id(value: str) -> Iterator[str]:
    """Terms of an identifier as a whole, and of each long number in it with and without zeros."""
    tokens = tokens_of(value)
    letters = sum(map(len, tokens))
    if 0 < letters < _ID_LETTERS and any(c.isalnum() for c in value):
        yield "short:" + " ".join(tokens)
    if letters >= _ID_LETTERS and any(c.isalnum() for c in value):
        yield "id:" + " ".join(tokens)
        for number in _numbers(tokens):
            yield f"id:{number}"


def _numbers(tokens: Sequence[str]) -> Iterator[str]:
    runs = [token for token in tokens if token.isascii() and token.isdigit()]
    if len(runs) == len(tokens):  # 12-34-56 is also written 123456
        runs.append("".join(runs))
    for run in runs:
        if len(run) >= _ID_DIGITS:
            yield run
            if len(run.lstrip("0")) >= _ID_LETTERS:
                yield run.lstrip("0")


def _contact_terms(vr: str, text: str) -> Iterator[str]:
    for value in _values(vr, text):
        for entry in _ENTRY.split(value):
            pieces = _PIECE.split(entry)
            for mail in (tokens_of(piece) for piece in pieces if "@" in piece):
                if mail:
                    yield "contact:" + " ".join(mail)
            runs = _DIGITS.findall(" ".join(piece for piece in pieces if "@" not in piece))
            if sum(map(len, runs)) >= _ID_DIGITS:
                yield "contact:" + " ".join(runs)
                yield from (f"contact:{run}" for run in _numbers(runs))


def _place_terms(vr: str, text: str) -> Iterator[str]:
    for value in _values(vr, text):
        tokens = tokens_of(value)
        if len(tokens) > 1:
            forms = zip(*(forms_of(token) for token in tokens), strict=True)
            yield from (f"place:{' '.join(form)}" for form in forms)
        for word in set(words_of(value)):
            for piece in {word, *parts_of(word)}:
                if long_enough(piece, 3, 2):
                    yield from (f"place:{form}" for form in spellings(piece))
        for clause in {value, *_CLAUSE.split(value)}:
            if len(parts := tokens_of(clause)) > 1:
                yield f"place:{' '.join(parts)}"
            yield from (f"place:{acronym}" for acronym in _acronyms(clause))


def _acronyms(text: str) -> Iterator[str]:
    words = [piece for word in words_of(text) for piece in parts_of(word)]
    for chosen in (words, [word for word in words if word not in CONNECTORS]):
        acronym = "".join(folded(word)[0] for word in chosen)
        if 3 <= len(acronym) <= LONGEST_ACRONYM:
            yield acronym


def _date_terms(vr: str, text: str) -> Iterator[str]:
    for value in _values(vr, text):
        match = _DATE.match(value.strip()) if vr == "DT" else _DATE.fullmatch(value.strip())
        if match:
            try:
                date(int(match[1]), int(match[3]), int(match[4]))
            except ValueError:
                continue
            yield f"date:{match[1]}{match[3]}{match[4]}"


_TERMS: dict[str, Callable[[str, str], Iterator[str]]] = {
    "contact": _contact_terms,
    "date": _date_terms,
    "id": _id_terms,
    "name": _name_terms,
    "person": _person_terms,
    "place": _place_terms,
}


def terms_of(kind: str, vr: str, text: str) -> set[str]:
    """Return the terms of one value, each as ``kind:term``.

    Names also yield terms of kind ``initials`` and ``id``, identifiers of one or two characters
    terms of kind ``short``, which are removed alone or after a label. Initials that are also an
    abbreviation in imaging have kind ``dotted``: they match only with full stops, or in a
    signature.

    Parameters
    ----------
    kind
        Kind of the attribute; see `mapping.identity_attributes.KINDS`.
    vr, text
        VR of the attribute, and the text of its value.
    """
    return set(_TERMS[kind](vr, text))


class IdentityTerms:
    """Terms of whole headers, with a cache for equal values.

    Parameters
    ----------
    identity
        The attributes to read, and their kinds.
    """

    def __init__(self, identity: IdentityAttributes) -> None:
        self.attribute_paths: tuple[AttributePath, ...] = tuple(a.path for a in identity.attributes)
        self._kinds = [(a.kind, a.path.vr) for a in identity.attributes]
        self._datetimes = [i for i, (_, vr) in enumerate(self._kinds) if vr == "DT"]
        self._cached_terms = lru_cache(CACHED)(self._derive)

    def of(self, values: Iterable[str | None]) -> str:
        """Return the terms of one header, as sorted distinct lines ``kind:term``.

        Parameters
        ----------
        values
            Texts of the values, in the order of ``attribute_paths``.
        """
        key = list(values)
        for i in self._datetimes:  # the time of day is not a term, and would defeat the cache
            if (text := key[i]) is not None:
                key[i] = "\\".join([value[:8] for value in text.split("\\")])
        return self._cached_terms(tuple(key))

    def _derive(self, values: tuple[str | None, ...]) -> str:
        found: set[str] = set()
        for (kind, vr), text in zip(self._kinds, values, strict=True):
            if text:
                found |= terms_of(kind, vr, text)
        return "\n".join(sorted(found))
