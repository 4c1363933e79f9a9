"""Dates of a patient in digits, in every order and grouping, complete and partial.

Belongs here: the digits of the renderings, the conditions under which digits are a date, and the
numbers that programs store for a date.
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
# What programs count days from, as ordinals of Python: spreadsheets, Unix, the modified Julian day,
# the Julian day, Python itself and MATLAB.
_FIRST_DAYS = (
    date(1899, 12, 30).toordinal(),
    date(1904, 1, 1).toordinal(),
    date(1970, 1, 1).toordinal(),
    date(1858, 11, 17).toordinal(),
    -1_721_425,
    0,
    -366,
)
# What programs count seconds from: Unix, network time, Mac, satellites, Apple's libraries.
_FIRST_SECONDS = tuple(
    date(*day).toordinal()
    for day in ((1970, 1, 1), (1900, 1, 1), (1904, 1, 1), (1980, 1, 6), (2001, 1, 1))
)
# Units in one second, with the numbers of digits, and what is counted from
_CLOCKS = (
    (1, (9, 10), _FIRST_SECONDS),
    (10**3, (12, 13), _FIRST_SECONDS[:1]),
    (10**6, (15, 16), _FIRST_SECONDS[:1]),
    (10**9, (18, 19), _FIRST_SECONDS[:1]),
    # Windows, from 1601 and from the year 1
    (10**7, (18,), (date(1601, 1, 1).toordinal(), 1)),
)
_DAY_SECONDS = 86_400
# between a local time and that of Greenwich
_TIME_ZONE = 14 * 3_600
# a shorter number equals a form of a date by chance
_LEAST_NUMBER = 10_000


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
    numbers
        Numbers of at least five digits that stand for a day.
    days
        The days, as ordinals of Python.
    """

    complete: frozenset[str] = field(repr=False)
    pairs: frozenset[str] = field(repr=False)
    years: frozenset[str] = field(repr=False)
    short_years: frozenset[str] = field(repr=False)
    numbers: frozenset[int] = field(repr=False)
    days: frozenset[int] = field(repr=False)

    @classmethod
    def of(cls, days: Iterable[str]) -> OwnDates:
        """Return the renderings of days, which are written ``YYYYMMDD``."""
        complete: set[str] = set()
        pairs: set[str] = set()
        years: set[str] = set()
        numbers: set[int] = set()
        ordinals: set[int] = set()
        for day in days:
            y, m, d = day[:4], day[4:6], day[6:8]
            years.add(y)
            complete |= {y + m, m + y}
            for year in (y, y[2:], *_years_of_calendars(int(y))):
                complete |= {year + m + d, d + m + year, m + d + year, year + d + m}
            for year, m_hijri, d_hijri in _hijri_days(day):
                complete |= {year + m_hijri + d_hijri, d_hijri + m_hijri + year}
            pairs |= {m + d, d + m, y[2:] + m, m + y[2:]}
            if (ordinal := _ordinal(day)) is not None:
                ordinals.add(ordinal)
                numbers.update(_numbers(day, ordinal))
        return cls(
            complete=frozenset(complete),
            pairs=frozenset(pairs),
            years=frozenset(years),
            short_years=frozenset(year[2:] for year in years),
            numbers=frozenset(number for number in numbers if number >= _LEAST_NUMBER),
            days=frozenset(ordinals),
        )

    def has_number(self, number: int) -> bool:
        """Whether a number stands for one of the days, with or without a time.

        Parameters
        ----------
        number
            A whole number: digits of a date, a count of days or of parts of a second.
        """
        if number < _LEAST_NUMBER or not self.days:
            return False
        if number in self.numbers:
            return True
        size = len(str(number))
        # 20160317103000, 160317103000
        if 9 <= size <= 20 and not self.numbers.isdisjoint(
            number // 10**cut for cut in (2, 4, 6, 9, 12) if size - cut <= 8
        ):
            return True
        return any(
            (number // unit + zone) // _DAY_SECONDS + first in self.days
            for unit, sizes, starts in _CLOCKS
            if size in sizes
            for first in starts
            for zone in (-_TIME_ZONE, 0, _TIME_ZONE)
        )


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


def _ordinal(day: str) -> int | None:
    try:
        return date(int(day[:4]), int(day[4:6]), int(day[6:8])).toordinal()
    except ValueError:
        return None


def _numbers(day: str, ordinal: int) -> Iterable[int]:
    """Yield the numbers that stand for a day, without a time."""
    y, m, d = day[:4], day[4:6], day[6:8]
    for year in (y, y[2:]):
        yield from (int(year + m + d), int(d + m + year), int(m + d + year))
        yield int(f"{year}{ordinal - date(int(y), 1, 1).toordinal() + 1:03d}")
    yield from (ordinal - first for first in _FIRST_DAYS)


def _hijri_days(day: str) -> Iterable[tuple[str, str, str]]:
    """Yield the day in the Islamic calendar, and its neighbours: observed months differ by a day.

    By the arithmetic calendar (E. M. Reingold and N. Dershowitz, *Calendrical Calculations*,
    Cambridge University Press 2018, chapter 7).
    """
    ordinal = _ordinal(day)
    if ordinal is None:
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
