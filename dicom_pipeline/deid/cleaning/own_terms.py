"""Identity terms of one patient, indexed for searching texts.

Devices have no patient: their texts are searched for the terms of all patients, with fewer kinds.

Belongs here: which terms apply, in which form, and their indexes.
Does not belong here: where terms come from (identity_terms), and the search (own_search,
kept_values).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from dicom_pipeline.deid.cleaning.own_dates import OwnDates
from dicom_pipeline.deid.cleaning.patterns.place_words import GENERIC_PLACES
from dicom_pipeline.deid.cleaning.text_tokens import DIGITS, is_latin_script
from dicom_pipeline.deid.cleaning.unspaced_words import UNSPACED
from dicom_pipeline.deid.tokens import folded

_NAMES = frozenset({"name", "person"})
_NUMBERS = frozenset({"id", "contact"})
_INITIALS = frozenset({"initials", "dotted"})
# terms of these kinds apply although they are allowed words
_WHATEVER_THE_WORD = _NAMES | _INITIALS | {"short", "date"}
# minimum lengths of a term that is searched joined and split
_JOINED_NAME = 3
_JOINED_PLACE = 6
_MOST_SHORT_NAMES = 20
_INITIALS_OF_TWO_NAMES = 2
_DIGITS_OF_NUMBER = 4
_DIGITS_OF_WHOLE_NUMBER = 6
# letters or digits of a term that is searched with digits for letters, and letters for digits
_CONFUSED = 4
# an identifier is also quoted by its last digits
_LAST_DIGITS = 4
# of a term that is searched in the texts of devices
_DEVICE_DIGITS = 4

# letters and digits that people and character recognition take for one another
_LOOK_ALIKE = str.maketrans("01345789l", "oieasrbgi")

Term = tuple[str, str]


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
    joined
        Terms without their separators, which a text may contain in any grouping; the value tells
        whether the term is a name, whose parts may also be words.
    beginnings, longest
        The first two characters of these terms, and the length of the longest one.
    numbers
        Digits of identifiers without leading zeros, which a text may group in any way.
    whole_numbers
        Digits of identifiers with at least six digits, without leading zeros: a number that equals
        one of them is removed.
    confused
        Names and identifiers with equal characters for those that look alike (see `look_alike`).
    last_digits
        The last digits of identifiers with at least six digits.
    letters
        Names of one letter, which are removed beside other names and after a label.
    short
        Identifiers of one or two characters, which are removed alone or after a label; those of two
        digits also elsewhere.
    unspaced_places
        Names of institutions in scripts without spaces, which are removed as a whole.
    places
        Words of the names of institutions that are also allowed words.
    dates
        Renderings of the patient's dates in digits.
    initials
        Kinds of initials, by their capital letters.
    dotted
        Initials, which are searched with full stops between them.
    kept_phrases
        Terms, with a space before and after them, that a kept value must not contain; by their
        first token.
    kept_unspaced
        Names that a kept value must not contain at any position.
    """

    tokens: frozenset[str] = field(repr=False)
    unspaced: tuple[str, ...] = field(repr=False)
    joined: dict[str, bool] = field(repr=False)
    beginnings: frozenset[str] = field(repr=False)
    longest: int
    numbers: frozenset[str] = field(repr=False)
    whole_numbers: frozenset[str] = field(repr=False)
    confused: frozenset[str] = field(repr=False)
    last_digits: frozenset[str] = field(repr=False)
    letters: frozenset[str] = field(repr=False)
    short: frozenset[str] = field(repr=False)
    unspaced_places: tuple[str, ...] = field(repr=False)
    places: frozenset[str] = field(repr=False)
    dates: OwnDates = field(repr=False)
    initials: dict[str, tuple[str, ...]] = field(repr=False)
    dotted: tuple[str, ...] = field(repr=False)
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
        terms = set(terms)
        own = _applicable(terms, allowed_words)
        tokens = {term for kind, term in own if kind in _NAMES | _NUMBERS and " " not in term}
        # the genitive of a name may be a word: Arms
        tokens |= {
            f"{term}s" for kind, term in own if kind == "name" and f"{term}s" in allowed_words
        }
        initials: dict[str, tuple[str, ...]] = {}
        for kind, term in sorted(own):
            if kind in _INITIALS:
                initials[term.upper()] = (*initials.get(term.upper(), ()), kind)
                for pair in _pairs(term):
                    initials.setdefault(pair.upper(), ("dotted",))
        joined = _joined(own)
        numbers = _numbers(own)
        return cls(
            tokens=frozenset(tokens),
            unspaced=tuple(sorted(token for token in tokens if not is_latin_script(token))),
            joined=joined,
            beginnings=frozenset(term[:2] for term in joined),
            longest=max(map(len, joined), default=0),
            numbers=numbers,
            whole_numbers=_whole_numbers(own),
            confused=frozenset(
                look_alike(term) for term in (*joined, *numbers) if len(term) >= _CONFUSED
            ),
            last_digits=frozenset(
                number[-_LAST_DIGITS:]
                for number in numbers
                if len(number) >= _DIGITS_OF_WHOLE_NUMBER
            ),
            letters=_letters(own),
            short=frozenset(term.replace(" ", "") for kind, term in own if kind == "short"),
            unspaced_places=tuple(
                sorted(t for k, t in own if k == "place" and len(t) > 2 and not is_latin_script(t))
            ),
            places=frozenset(
                term
                for kind, term in terms
                if kind == "place" and " " not in term and term in allowed_words and len(term) > 2
            ),
            dates=OwnDates.of(term for kind, term in own if kind == "date"),
            initials=initials,
            dotted=tuple(sorted(term.lower() for term in initials if len(term) in (2, 3))),
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
        joined = {
            term.replace(" ", ""): False
            for kind, term in own
            if (kind in _NUMBERS or kind == "place")
            and " " in term
            and sum(character in DIGITS for character in term) >= _DEVICE_DIGITS
        }
        return cls(
            tokens=frozenset(),
            unspaced=(),
            joined=joined,
            beginnings=frozenset(term[:2] for term in joined),
            longest=max(map(len, joined), default=0),
            numbers=frozenset(),
            whole_numbers=frozenset(),
            confused=frozenset(),
            last_digits=frozenset(),
            letters=frozenset(),
            short=frozenset(),
            unspaced_places=(),
            places=frozenset(),
            dates=OwnDates.of(()),
            initials={},
            dotted=(),
            kept_phrases=_padded(
                term
                for kind, term in own
                if len(term) > (5 if kind in _NUMBERS else 2)
                and (kind in _NAMES | _NUMBERS or kind == "place")
            ),
            kept_unspaced=_unspaced_names(own),
        )

    def has_number(self, number: int) -> bool:
        """Whether a number is an identifier of at least six digits, or stands for a date.

        A shorter number equals an identifier by chance.

        Parameters
        ----------
        number
            A whole number.
        """
        return str(number) in self.whole_numbers or self.dates.has_number(number)


def look_alike(text: str) -> str:
    """Return a text in lower case with one character for all that look like it: N0ah, 47l1."""
    return text.translate(_LOOK_ALIKE)


def parse_terms(lines: str) -> set[Term]:
    """Parse the column ``terms`` of the raw table ``identity_terms``: lines ``kind:term``."""
    found = set()
    for line in lines.split("\n"):
        kind, _, term = line.partition(":")
        found.add((kind, term))
    return found


def _applicable(terms: Iterable[Term], allowed_words: Collection[str]) -> set[Term]:
    return {
        (kind, term)
        for kind, term in terms
        if kind in _WHATEVER_THE_WORD or term not in allowed_words
    }


def _joined(own: Iterable[Term]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for kind, term in own:
        letters = term.replace(" ", "")
        if kind in _NAMES and len(letters) >= _JOINED_NAME and not UNSPACED.search(letters):
            found.setdefault(folded(letters), True)
        elif (kind in _NUMBERS and not letters.isdigit() and len(letters) >= _JOINED_NAME) or (
            kind == "place" and " " in term and len(letters) >= _JOINED_PLACE
        ):
            found[folded(letters)] = False
    # "Stone Bridge" of "Stone Bridge Hospital"
    for kind, term in own:
        words = [word for word in term.split(" ") if word not in GENERIC_PLACES]
        letters = "".join(words)
        if kind == "place" and len(words) > 1 and len(letters) >= _JOINED_PLACE:
            found.setdefault(folded(letters), False)
    # both names of Gu^Jo are too short to be searched in parts, but not together
    names = sorted({folded(t) for k, t in own if k == "name" and is_latin_script(t)})
    short = [name for name in names if len(name) < _JOINED_NAME + 1][:_MOST_SHORT_NAMES]
    for first in short:
        for second in short:
            if first != second and len(first) + len(second) > _JOINED_NAME:
                found.setdefault(first + second, True)
    return found


def _pairs(initials: str) -> tuple[str, ...]:
    """Return the pairs of initials of three words: any of them may be the family name."""
    if len(initials) != _INITIALS_OF_TWO_NAMES + 1:
        return ()
    return initials[:2], initials[0] + initials[2], initials[2] + initials[0]


def _letters(own: Iterable[Term]) -> frozenset[str]:
    """Return the initials with which no name begins: the name itself has one letter."""
    names = {folded(term) for kind, term in own if kind in _NAMES}
    # without names that are joined to the letter
    begins = {name[0] for name in names if name[1:] not in names}
    initials = {
        letter
        for kind, term in own
        if kind in _INITIALS and len(term) == _INITIALS_OF_TWO_NAMES
        for letter in term
    }
    return frozenset(initials - begins)


def _numbers(own: Iterable[Term]) -> frozenset[str]:
    joined = (term.replace(" ", "") for kind, term in own if kind in _NUMBERS)
    digits = (number.lstrip("0") for number in joined if number.isascii() and number.isdigit())
    return frozenset(number for number in digits if len(number) >= _DIGITS_OF_NUMBER)


def _whole_numbers(own: Iterable[Term]) -> frozenset[str]:
    found = set()
    for kind, term in own:
        if kind in _NUMBERS:
            found.add("".join(c for c in term if c in DIGITS))
    stripped = (number.lstrip("0") for number in found)
    return frozenset(number for number in stripped if len(number) >= _DIGITS_OF_WHOLE_NUMBER)


def _padded(terms: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for term in set(terms):
        found.setdefault(term.split(" ", 1)[0], []).append(f" {term} ")
    return {first: tuple(listed) for first, listed in found.items()}


def _unspaced_names(own: Iterable[Term]) -> tuple[str, ...]:
    names = {term for kind, term in own if kind == "name" and not is_latin_script(term)}
    return tuple(sorted(names))


# for what is judged whoever the patient is
NO_TERMS = OwnTerms.of_patient((), ())
