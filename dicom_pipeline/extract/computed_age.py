"""Age of a patient from birth date and study date.

Stage uses it where PatientAge cannot be used. It is computed here because the true dates of one
file are together only here: stage shifts dates, and has them in several tables.

Belongs here: which dates of a file count, and the age between two dates.
Does not belong here: which dates cannot be true (mapping.date_rules), the choice between recorded
and computed age, and the cap for old patients (dbt_snowflake).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from dicom_pipeline.common.attribute_path import AttributePath
from dicom_pipeline.mapping.attribute_mapping import parse_attribute_path
from dicom_pipeline.mapping.date_rules import STUDY_DATE, DateRules, parse_day

BIRTH_DATE = "PatientBirthDate"
# the first that can be true is the day at which the patient has the age
DAYS_OF_STUDY = (STUDY_DATE, "SeriesDate", "AcquisitionDate", "ContentDate")
MAX_YEARS = 130
# the patient was born after the study, or more than MAX_YEARS before it
IMPOSSIBLE = "impossible"
_WHOLE_DATE = re.compile(r"[0-9]{8}|[0-9]{4}[.][0-9]{2}[.][0-9]{2}")
_REMEMBERED_AGES = 10_000


class ComputedAge:
    """Computes ages from the values of headers.

    Parameters
    ----------
    index
        Position of each attribute in the values of a header.
    rules
        Which dates cannot be true.
    """

    def __init__(self, index: dict[AttributePath, int], rules: DateRules) -> None:
        self._places = [index[path] for path in age_attribute_paths()]
        self._rules = rules
        # most files have the dates of the previous one
        self._age = lru_cache(_REMEMBERED_AGES)(self._computed)

    def of(self, values: Sequence[str | None], modified: date) -> str | None:
        """Return an age as in PatientAge, `IMPOSSIBLE`, or None if a date is missing.

        Parameters
        ----------
        values
            The values of a header.
        modified
            Day of the file's modification time, in UTC.
        """
        return self._age(tuple([values[i] for i in self._places]), modified)

    def _computed(self, values: tuple[str | None, ...], modified: date) -> str | None:
        birth = _whole_day(values[0])
        if birth is None or self._rules.is_known_placeholder(BIRTH_DATE, birth):
            return None
        study_date = values[1]
        for keyword, value in zip(DAYS_OF_STUDY, values[1:], strict=True):
            day = _whole_day(value)
            if day and not self._rules.is_implausible(keyword, value, study_date, modified):
                return age_string(birth, day)
        return None


def age_attribute_paths() -> list[AttributePath]:
    """Return the attributes that ages are computed from: birth date, then `DAYS_OF_STUDY`."""
    return [parse_attribute_path(keyword) for keyword in (BIRTH_DATE, *DAYS_OF_STUDY)]


def age_string(birth: date, day: date) -> str:
    """Return the age on a day as in PatientAge (VR AS), or `IMPOSSIBLE`.

    The standard leaves the unit open. It is that of the viewer Weasis: days below two months,
    months below two years, otherwise years. Only completed units count; who was born on February
    29th completes a year on March 1st if the year has no such day.
    """
    months = 12 * (day.year - birth.year) + day.month - birth.month - (day.day < birth.day)
    if months < 0 or months // 12 > MAX_YEARS:
        return IMPOSSIBLE
    if months < 2:
        return f"{(day - birth).days:03}D"
    return f"{months:03}M" if months < 24 else f"{months // 12:03}Y"


def _whole_day(value: str | None) -> date | None:
    """Return the day of a DA; None if it is missing, incomplete, invalid or several values."""
    return parse_day(value) if _WHOLE_DATE.fullmatch((value or "").strip()) else None
