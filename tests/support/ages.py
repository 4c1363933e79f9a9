"""Ages by the calendar, counted without the code of the pipeline."""

from __future__ import annotations

from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

UNITS_PER_YEAR = {"Y": 1.0, "M": 12.0, "W": 52.18, "D": 365.25}


def expected_age(birth: date, day: date) -> str:
    """Count the anniversaries of a birth one by one, and return an age string."""
    months = 0
    while True:
        anniversary = birth + relativedelta(months=months + 1)
        if anniversary.day != birth.day:  # the month has no such day
            anniversary += timedelta(days=1)
        if anniversary > day:
            break
        months += 1
    if months < 2:
        return f"{(day - birth).days:03}D"
    return f"{months:03}M" if months < 24 else f"{months // 12:03}Y"


def expected_years(age: str | None) -> float | None:
    """Return a published age string in years, with two decimals."""
    return None if age is None else round(int(age[:3]) / UNITS_PER_YEAR[age[3]], 2)
