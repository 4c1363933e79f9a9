"""Dates of a patient in digits, in every order and grouping, complete and partial.

Belongs here: the digits of the renderings, and the conditions under which digits are a date.
Does not belong here: dates that have the form of one, whosever (date_patterns).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

# Meiji, Taisho, Showa, Heisei, Reiwa: the year before the first one
_ERAS = (1867, 1911, 1925, 1988, 2018)
_MOST_YEARS_OF_AN_ERA = 64
# the year before the first one of the calendar of Taiwan, and the first year of that of Thailand
_MINGUO = 1911
_BUDDHIST = 543
# first day of the Islamic calendar, as an ordinal of Python
_HIJRI_EPOCH = 227_015


@dataclass(frozen=True, slots=True)
class OwnDates:
    """Digits of the dates of a patient; ``repr`` omits them.

    Attributes
    ----------
    complete
        Day, month and year, or month and year of four digits.
    pairs
        Day and month, or month and year of two digits: four digits.
    years, short_years
        Years of four digits, and of two digits.
    """

    complete: frozenset[str] = field(repr=False)
    pairs: frozenset[str] = field(repr=False)
    years: frozenset[str] = field(repr=False)
    short_years: frozenset[str] = field(repr=False)

    @classmethod
    def of(cls, days: Iterable[str]) -> OwnDates:
        """Return the renderings of days, which are written ``YYYYMMDD``."""
        complete: set[str] = set()
        pairs: set[str] = set()
        years: set[str] = set()
        for day in days:
            y, m, d = day[:4], day[4:6], day[6:8]
            years.add(y)
            complete |= {y + m, m + y}
            for year in (y, y[2:], *_years_of_calendars(int(y))):
                complete |= {year + m + d, d + m + year, m + d + year, year + d + m}
            for year, m_hijri, d_hijri in _hijri_days(day):
                complete |= {year + m_hijri + d_hijri, d_hijri + m_hijri + year}
            pairs |= {m + d, d + m, y[2:] + m, m + y[2:]}
        short_years = frozenset(year[2:] for year in years)
        return cls(frozenset(complete), frozenset(pairs), frozenset(years), short_years)


def is_pair(groups: list[str], gaps: list[str], before: str, after: str) -> bool:
    """Whether four digits of day and month, or month and year, are written as a date.

    Parameters
    ----------
    groups
        One or two groups of digits.
    gaps
        What separates them, one fewer.
    before, after
        Characters beside them; empty at the ends of a text.
    """
    if not gaps:
        return len(groups[0]) == 4
    # L3-12, 3/12mm, 3.12 mm
    if before.isalpha() or after.isalpha():
        return False
    both_padded = all(len(group) == 2 for group in groups)
    if gaps[0] in (".", ". "):
        return both_padded or after == "."
    if gaps[0] in ("/", "-", " / ", " - "):
        return True
    return both_padded and "," not in gaps[0]


def _hijri_days(day: str) -> Iterable[tuple[str, str, str]]:
    """Yield the day in the Islamic calendar, and its neighbours: observed months differ by a day.

    By the arithmetic calendar (E. M. Reingold and N. Dershowitz, *Calendrical Calculations*,
    Cambridge University Press 2018, chapter 7).
    """
    try:
        ordinal = date(int(day[:4]), int(day[4:6]), int(day[6:8])).toordinal()
    except ValueError:
        return
    for near in (ordinal - 1, ordinal, ordinal + 1):
        year = (30 * (near - _HIJRI_EPOCH) + 10646) // 10631
        start = _HIJRI_EPOCH + 354 * (year - 1) + (3 + 11 * year) // 30
        month = (11 * (near - start) + 330) // 325
        first = start + 29 * (month - 1) + month // 2
        yield f"{year:04d}", f"{month:02d}", f"{near - first + 1:02d}"


def _years_of_calendars(year: int) -> Iterable[str]:
    yield str(year + _BUDDHIST)
    if year > _MINGUO:
        yield str(year - _MINGUO)
    for start in _ERAS:
        if 0 < year - start <= _MOST_YEARS_OF_AN_ERA:
            yield f"{year - start:02d}"
