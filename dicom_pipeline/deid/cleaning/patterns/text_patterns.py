"""Patterns of texts that have the form of an identifier, whosever: dates, phones, mail, titles.

A pattern is applied to a folded copy of the text: its case folding maps one character to one
character, so that positions are equal in both. Patterns are written in lower case, without flags.

Belongs here: the patterns, their order, and their replacement by marks.
Does not belong here: terms of a patient (own_terms), and words (text_cleaning).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from dicom_pipeline.deid.cleaning.text_tokens import BAR, CONTROLS, LETTERS, SEPARATORS

# Control characters stand for what was removed; all others are spaces by then. The second one
# stands for a date or a time: letters beside it may be the initials of a signature.
REMOVED = "\x1e"
MOMENT = "\x1d"

_CONTROL = re.compile(f"[{CONTROLS}]")
# Letters that have another case and occur in a pattern. The long s and the Kelvin sign are
# other cases of s and k.
_FOLD = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÇÉÛ\u017f\u212a", "abcdefghijklmnopqrstuvwxyzäçéûsk"
)


class _Group(NamedTuple):
    """Patterns that cannot match where a simpler one does not.

    Attributes
    ----------
    need
        Occurs in every text that one of the patterns matches.
    patterns
        Patterns in their order.
    mark
        Replaces a match, with a space on either side.
    """

    need: re.Pattern[str]
    patterns: tuple[re.Pattern[str], ...]
    mark: str


def fold(text: str) -> str:
    """Convert a text to the case of the patterns; each character stays where it is."""
    return text.lower() if text.isascii() else text.translate(_FOLD)


def replace_folded(
    text: str, folded: str, pattern: re.Pattern[str], replacement: str
) -> tuple[str, str]:
    """Replace the matches of a pattern in a text and in its folded copy.

    Parameters
    ----------
    text, folded
        The text, and its result of `fold`.
    pattern
        Is searched in the folded text.
    replacement
        Replaces each match; has no letters.
    """
    kept: list[str] = []
    kept_folded: list[str] = []
    end = 0
    for match in pattern.finditer(folded):
        start = match.start()
        kept += (text[end:start], replacement)
        kept_folded += (folded[end:start], replacement)
        end = match.end()
    if not kept:
        return text, folded
    return "".join((*kept, text[end:])), "".join((*kept_folded, folded[end:]))


def spaces_for_controls(text: str) -> str:
    """Return a text with a space for every control character."""
    return text if text.isprintable() else _CONTROL.sub(" ", text)


def mark_patterns(text: str) -> str:
    """Replace what has the form of an identifier by marks.

    Parameters
    ----------
    text
        A text without control characters, in which bars separate values.
    """
    folded = fold(text)
    for need, patterns, mark in _GROUPS:
        if need.search(folded):
            for pattern in patterns:
                text, folded = replace_folded(text, folded, pattern, mark)
    return text


def has_pattern(text: str) -> bool:
    """Whether a part of a text has the form of an identifier."""
    folded = fold(spaces_for_controls(text).replace(BAR, " "))
    return any(
        need.search(folded) and any(pattern.search(folded) for pattern in patterns)
        for need, patterns, _ in _GROUPS
    )


_NO_LETTER = r"(?:[^a-z]|\Z)"
# a letter of any script: Jędra does not end with the title Dra
_NO_LETTER_BEFORE = f"(?:^|[0-9{BAR}{SEPARATORS}{CONTROLS}])"
# the longer alternatives come first, because the first one that fits is taken
_DAY = "(?:3[01]|[12][0-9]|0?[1-9])"
_MONTH = "(?:1[0-2]|0?[1-9])"
_YEAR = "(?:18|19|20)[0-9]{2}"
_MONTH_NAMES = (
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "januar|februar|märz|maerz|mai|juni|juli|oktober|dezember|janvier|février|fevrier|mars|"
    "avril|juin|juillet|août|aout|septembre|octobre|novembre|décembre|decembre|enero|febrero|"
    "marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|gennaio|"
    "febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|janeiro|fevereiro|março|"
    "maio|junho|julho|setembro|outubro|novembro|dezembro|januari|februari|maart|mei|augustus"
)
_SHORT_MONTHS = (
    "jan|feb|mar|mär|mrz|apr|may|mai|jun|jul|aug|sep|sept|oct|okt|nov|dec|dez|fév|avr|déc|"
    "ene|abr|ago|dic"
)
_MONTH_NAME = f"(?:{_MONTH_NAMES})"
_MONTH_ANY = f"(?:{_MONTH_NAME}|(?:{_SHORT_MONTHS})[.]?)"
# the end of another number is not a day: 320x256 Aug. 25, 2009, and Mar. 24, 2011. Mar. 24, 2011
_START = "(?:^|[^0-9])"
_GAP = "[^0-9a-z]{0,3}"
_BETWEEN = "[^0-9a-z]{1,3}"
_ORDINAL = "(?:st|nd|rd|th|er|º|[.])?"
_DAY_AND_MONTH = f"(?:{_DAY}{_BETWEEN}{_MONTH}|{_MONTH}{_BETWEEN}{_DAY})"
# a time may follow a year: 2009 12:45
_AFTER_YEAR = " ?[^0-9a-z :] ?"
_EDGE = f"[{SEPARATORS}]"


def _short_dates() -> list[str]:
    """Dates with a year of two digits.

    Each pattern is applied twice: a date that follows another one at once has lost the neighbour
    that it needs.
    """
    found = []
    for separator in ("-", "/", "[.]", "[.] "):
        days = f"(?:{_DAY}{separator}{_MONTH}|{_MONTH}{separator}{_DAY})"
        found += [f"(?:^|[^0-9]){days}{separator}[0-9]{{2}}(?:[^0-9]|\\Z)"] * 2
    return found


_ANY_MONTH = "|".join(sorted({name[:3] for name in f"{_MONTH_NAMES}|{_SHORT_MONTHS}".split("|")}))
_TITLED = "dr|prof|mrs|herr|frau|mme|dra|sra|dott"

# A pattern that takes a whole run of digits looks behind, so that it is not tried again at each
# digit of a long run; this changes no result.
# Need, patterns, mark; in the order in which they are applied. A need contains no class of
# characters that a mark or its spaces fall into, so no replacement can fulfil it.
_GROUPS = tuple(
    _Group(re.compile(need), tuple(re.compile(pattern) for pattern in patterns), f" {mark} ")
    for need, patterns, mark in (
        # numbers first, as a whole: a pattern inside one would leave its ends
        ("[a-z0-9._+-]@[a-z0-9.-]", ["[a-z0-9._+-]+@[a-z0-9.-]+[.][a-z]{2,}"], REMOVED),
        ("http|www", ["(?:https?:|www[.])[^ ]+"], REMOVED),
        ("[0-9][.][0-9]", ["(?<![0-9])[0-9]+(?:[.][0-9]+){3,}"], REMOVED),
        (
            "[0-9]{5}",
            [
                "(?<![0-9])(?:[0-9]+-[0-9]{5,}(?:-[0-9]+)*|[0-9]{5,}-[0-9]+(?:-[0-9]+)*)",
            ],
            REMOVED,
        ),
        (
            _YEAR,
            [
                _DAY_AND_MONTH + _BETWEEN + _YEAR,
                _YEAR + _AFTER_YEAR + _MONTH + _AFTER_YEAR + _DAY,
                f"{_YEAR} {_MONTH} {_DAY}",
            ],
            MOMENT,
        ),
        ("[0-9][-/.] ?[0-9]{1,2}[-/.]", _short_dates(), MOMENT),
        (
            _ANY_MONTH,
            [
                f"{_START}{_DAY}{_ORDINAL}{_GAP}(?:de )?{_MONTH_ANY}{_GAP}(?:de )?{_YEAR}",
                f"{_MONTH_ANY}{_GAP}{_DAY}{_ORDINAL}{_GAP}{_YEAR}",
                f"{_START}{_DAY}{_ORDINAL}{_GAP}(?:de )?{_MONTH_ANY}{_GAP}(?:de )?'?[0-9]{{2}}",
                f"{_MONTH_ANY}{_GAP}(?:de )?{_YEAR}",
            ],
            MOMENT,
        ),
        (_YEAR, [f"(?:^|[^0-9./-]){_MONTH}[/.](?:19|20)[0-9]{{2}}(?:[^0-9]|\\Z)"], MOMENT),
        ("[0-9]/[0-9]", ["[0-9]{3,5}/[0-9]{6,}"], REMOVED),
        (
            _ANY_MONTH,
            [
                f"{_YEAR}{_GAP}{_MONTH_ANY}{_GAP}{_DAY}",
                f"{_START}{_DAY}{_ORDINAL}[ -]*(?:de )?{_MONTH_NAME}{_NO_LETTER}",
                f"{_MONTH_NAME} {_DAY}(?:st|nd|rd|th)?{_NO_LETTER}",
            ],
            MOMENT,
        ),
        (
            "[0-9]:[0-9]",
            [
                "(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]+)?)?(?: ?[ap][.]?m[.]?)?",
                "[0-9]{1,2}:[0-5][0-9] ?[ap][.]?m[.]?",
            ],
            MOMENT,
        ),
        (
            "tel|fax|pager",
            ["(?:tel|fax|pager)[a-z]*[ .:]*[+0-9(][0-9 ()/.-]{3,}[0-9]"],
            REMOVED,
        ),
        ("[+]", ["[+][0-9]{1,3}[ ()/.-]*(?:[0-9]{1,5}[ ()/.-]*){2,}"], REMOVED),
        ("[(][0-9]", ["[(][0-9]{2,5}[)][ -]*[0-9]{3,}(?:[ -][0-9]+)*"], REMOVED),
        (
            "[0-9]{3}[-. /][0-9]{2}",
            [
                "[0-9]{3}[-. /][0-9]{3}[-. ][0-9]{2}(?:[0-9][1-9]|[1-9][0-9])",
                "[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}",
                "(?<![0-9])[0-9]*[0-9]{3}-[0-9]{2}(?:[0-9][1-9]|[1-9][0-9])[0-9]*",
                f"{_YEAR}-[0-9]{{3,}}",
            ],
            REMOVED,
        ),
        (
            "[0-9]",
            [
                "(?:mrn|accession|acc|pid|ssn|nhs|dob|(?:patient|case|chart|order) ?"
                "(?:id|no|nr|number))[ .:#=-]+[a-z]{0,3}[ -]?[0-9][0-9a-z-]*",
            ],
            REMOVED,
        ),
        (
            f"(?:{_TITLED})[. ]",
            [f"{_NO_LETTER_BEFORE}(?:{_TITLED})[. ]+{LETTERS}(?:[-^]{LETTERS})*"],
            REMOVED,
        ),
        ("(?:mr|ms|sr)[.]", [f"{_NO_LETTER_BEFORE}(?:mr|ms|sr)[.] ?{LETTERS}"], REMOVED),
        (
            "[0-9][- ]*(?:y|jahre)",
            [
                f"(?:9[1-9]|1[01][0-9]) ?y{_NO_LETTER}",
                f"(?:9[0-9]|1[01][0-9]) ?y[.]?/?o[.]?{_NO_LETTER}",
                f"(?:9[0-9]|1[01][0-9])[- ]*(?:yrs?|years?|jahre)(?:[- ]?(?:old|alt))?{_NO_LETTER}",
            ],
            REMOVED,
        ),
        ("age", ["(?:^|[^a-z])aged?[ :=]*(?:9[0-9]|1[01][0-9])"], REMOVED),
        (
            _YEAR,
            [
                f"(?:^|{_EDGE}){_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
                f"(?:[0-9]{{4}}|[0-9]{{6}})?(?:{_EDGE}|\\Z)",
            ],
            MOMENT,
        ),
        ("[0-9]{5}", ["[0-9]{5,}"], REMOVED),
    )
)
