"""Patterns of identifiers in the version of a program, which itself looks like a number.

A version has numbers in groups (``5.4.1.0``, ``MR Software release:12.0_M5A_0904.a``), so the
patterns of other texts would find addresses and dates in it. Here a number counts only in a form
that versions do not have.

Belongs here: dates, numbers, contacts, persons and institutions in versions.
Does not belong here: other texts (text_patterns), terms of a patient (kept_values).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from dicom_pipeline.deid.cleaning.patterns.date_patterns import (
    DAY,
    MONTH,
    MONTH_WORDS,
    NAMED_DATES,
    YEAR,
)
from dicom_pipeline.deid.cleaning.patterns.name_labels import has_label, name_spans
from dicom_pipeline.deid.cleaning.patterns.place_patterns import institution_spans
from dicom_pipeline.deid.cleaning.patterns.text_patterns import CONTACTS, LABELLED_NUMBER
from dicom_pipeline.deid.cleaning.text_normal import normal_text
from dicom_pipeline.deid.cleaning.text_tokens import BAR, tokens_with_positions, word_set

# Usual words of versions. Such a word alone is no name, whatever a patient is called.
VERSION_WORDS = word_set(
    """
    ver vers version rev revision rel release build sp hf patch service pack update upd upgrade beta
    alpha rc pms ge mr ct pet nm us dx cr dr mg xa rf sw hw lx hd va vb vc vd ve vx xa ea er syngo
    dicom software app apps system
    """
)
# Titles that are abbreviations in a version unless a full stop follows: DR is a modality.
_ABBREVIATIONS = word_set("dr ra m p pr pd sn sr ms mr hr fr rev don bay pan lady miss dona dra")

_BETWEEN = f"[^0-9a-z{BAR}]{{1,3}}"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        f"(?<![0-9])(?:{DAY}{_BETWEEN}{MONTH}|{MONTH}{_BETWEEN}{DAY}){_BETWEEN}{YEAR}(?![0-9])",
        f"(?<![0-9]){YEAR}{_BETWEEN}{MONTH}{_BETWEEN}{DAY}(?![0-9])",
        f"(?<![0-9]){YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])",
        f"(?<![0-9./-])(?:{DAY}([/-]){MONTH}|{MONTH}([/-]){DAY})(?:\\1|\\2)[0-9]{{2}}(?![0-9./-])",
        "[0-9〇零一二三四五六七八九十] ?[年년월月일日]",
    )
)
_SIX_DIGITS = re.compile("(?<![0-9])[0-9]{6}(?![0-9])")
_NUMBERS = tuple(
    re.compile(pattern)
    for pattern in (
        # seven digits, at once or in groups that only telephone and record numbers have
        "[0-9]{7}",
        "(?<![0-9])(?<![0-9][.])[(]?(?:[0-9][ ()/-]{0,3}){6}[0-9]",
        "[+](?:[0-9][ ()/.-]{0,3}){7}",
        "(?<![0-9.])0[0-9]{2,4}[./][0-9]{3}[0-9.]*[0-9]",
        "(?<![0-9.])[0-9]{3}[.][0-9]{3}[.][0-9]{4}(?![0-9.])",
        "(?:tel|fax|phone|pager|mobil)[a-z]*[ .:]*[+0-9(][0-9 ()/.-]{2,}[0-9]",
        # addresses of computers, and UIDs
        "(?<![0-9.])(?:1[0-9]{2}|2[0-5][0-9])(?:[.][0-9]{1,3}){3}(?![0-9.])",
        "(?<![0-9.])(?:1[.]2[.][0-9]{3}|1[.]3[.]6[.]1|2[.]25)[.][0-9]",
        "(?<![0-9.])[0-9]+(?:[.][0-9]+){6,}",
        "(?<![a-z])[a-z]{2}[0-9]{2}(?: ?[0-9]{4}){3,}",
    )
)


def identifies_in_version(text: str, is_allowed: Callable[[str], bool]) -> bool:
    """Whether a version of a program has a part with the form of an identifier, whosever.

    A complete date counts, although it may be that of a release: nothing tells it from the date of
    an installation or a visit.

    Parameters
    ----------
    text
        One value.
    is_allowed
        Whether a word is an allowed word.
    """
    normal = normal_text(text)
    lower = normal.lower
    if any(pattern.search(lower) for pattern in (*_DATES, *_NUMBERS, *CONTACTS, LABELLED_NUMBER)):
        return True
    if any(is_date_of_six_digits(match[0]) for match in _SIX_DIGITS.finditer(lower)):
        return True
    tokens = tokens_with_positions(lower)
    words = frozenset(token.text for token in tokens)
    if not MONTH_WORDS.isdisjoint(words) and any(p.search(lower) for p in NAMED_DATES):
        return True
    if has_label(words):
        titles = [
            token
            for token in tokens
            if token.text not in _ABBREVIATIONS or _is_title(normal.cased, token.start, token.end)
        ]
        if any(name_spans(titles, normal.cased, is_allowed)):
            return True
    return any(institution_spans(normal.cased, tokens))


def _is_title(cased: str, start: int, end: int) -> bool:
    return cased[end : end + 1] == "." or (cased[start:end].istitle() and end - start > 1)


def is_date_of_six_digits(digits: str) -> bool:
    """Whether six digits are a year of two digits, a month and a day, or a year and a month."""
    first, second, third = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    return (
        (1 <= second <= 12 and 1 <= third <= 31)  # 190503
        or (1 <= first <= 31 and 1 <= second <= 12)  # 030519
        or (1 <= first <= 12 and 1 <= second <= 31)  # 050319
        or (first in (19, 20) and 1 <= third <= 12)  # 201905
    )
