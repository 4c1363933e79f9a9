"""The seed ``date_rules.csv``: which dates cannot be true, judged from the file alone.

Everybody knows the zero dates of programs and devices, so a shifted one would reveal the shift of
the patient. A date becomes null in stage if it is before 1901-01-02, more than a day after the file
was last modified, a placeholder of the seed, or too far from the StudyDate of the same file.

Belongs here: reading the seed, and the judgement.
Does not belong here: shifting dates (dbt_snowflake, deid.cleaning), and where the results are
stored (extract.tables).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.mapping.attribute_mapping import MappingError, csv_lines

DATE_RULES_CSV = DBT_PROJECT_DIR / "seeds" / "date_rules.csv"
FIELDS = ("attribute", "days_from_study", "placeholders", "reason")
ANY_ATTRIBUTE = "*"
DATE_VRS = frozenset({"DA", "DT"})
STUDY_DATE = "StudyDate"
EARLIEST = date(1901, 1, 2)
# no DICOM file is older than the standard: an earlier time is a default of an archive or a copy
_FIRST_FILE = date(1993, 1, 1)
_CLOCK_TOLERANCE = timedelta(days=1)
# YYYYMMDD, YYYY.MM.DD as in older versions of the standard, and the first part of a DT
_DAY = re.compile(r"([0-9]{4})([.]?)([0-9]{2})\2([0-9]{2})")
_DATE = re.compile("[0-9]{8}")


@dataclass(frozen=True)
class DateRules:
    """The lines of the seed.

    Attributes
    ----------
    days_from_study
        Greatest distance from StudyDate, by attribute; ``*`` is any attribute without a line, and
        None is no limit.
    placeholders
        Dates that cannot be true, by attribute; ``*`` is any attribute.
    """

    days_from_study: Mapping[str, int | None]
    placeholders: Mapping[str, frozenset[date]]

    @property
    def digest(self) -> str:
        """Hash of the rules. 16 hex digits."""
        days = sorted(self.days_from_study.items())
        dates = sorted((name, sorted(found)) for name, found in self.placeholders.items())
        return hashlib.sha256(repr((days, dates)).encode()).hexdigest()[:16]

    def is_implausible(
        self, attribute: str, value: str | None, study_date: str | None, modified: date
    ) -> bool:
        """Return whether a date of a file cannot be true.

        Parameters
        ----------
        attribute
            Keyword, or a path of keywords, of an attribute with VR DA or DT.
        value
            Its raw value; several values are separated by backslashes.
        study_date
            Raw value of StudyDate in the same file.
        modified
            Day of the file's modification time, in UTC.
        """
        keyword = attribute.rpartition(".")[2]
        days = [day for text in (value or "").split("\\") if (day := parse_day(text))]
        if any(self._is_out_of_range(keyword, day, modified) for day in days):
            return True
        limit = self.days_from_study.get(keyword, self.days_from_study.get(ANY_ATTRIBUTE))
        study = parse_day(study_date)
        if limit is None or study is None or self._is_out_of_range(STUDY_DATE, study, modified):
            return False
        return any(abs((day - study).days) > limit for day in days)

    def is_known_placeholder(self, keyword: str, day: date) -> bool:
        """Return whether a date cannot be true in any file."""
        return day < EARLIEST or any(
            day in self.placeholders.get(name, ()) for name in (keyword, ANY_ATTRIBUTE)
        )

    def _is_out_of_range(self, keyword: str, day: date, modified: date) -> bool:
        is_later = modified >= _FIRST_FILE and day - modified > _CLOCK_TOLERANCE
        return is_later or self.is_known_placeholder(keyword, day)


def day_of(mtime_ns: int | None) -> date:
    """Return the day of a modification time in nanoseconds since 1970, in UTC.

    An unknown or impossible time is `date.min`, which limits no date.
    """
    try:
        return datetime.fromtimestamp((mtime_ns or 0) / 1_000_000_000, UTC).date()
    except (OverflowError, ValueError, OSError):
        return date.min


def parse_day(text: str | None) -> date | None:
    """Return the day of a DA or DT; None for an empty, incomplete or invalid value."""
    found = _DAY.match((text or "").strip())
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        return None


@cache
def load_date_rules(path: Path = DATE_RULES_CSV) -> DateRules:
    """Read and check the seed.

    Raises
    ------
    MappingError
        A line is malformed. The message begins with the file's name and the line number.
    """
    days_from_study: dict[str, int | None] = {}
    placeholders: dict[str, frozenset[date]] = {}
    for number, row in csv_lines(path, FIELDS):
        attribute = row["attribute"]
        try:
            if attribute in placeholders:
                raise ValueError(f"{attribute} has another line")
            days = row["days_from_study"]
            days_from_study[attribute] = int(days) if days else None
            placeholders[attribute] = frozenset(map(_placeholder, row["placeholders"].split()))
        except ValueError as error:
            raise MappingError(f"{path.name}, line {number}: {error}") from None
    return DateRules(days_from_study, placeholders)


def _placeholder(text: str) -> date:
    day = parse_day(text) if _DATE.fullmatch(text) else None
    if day is None:
        raise ValueError(f"{text} is not a date in the form YYYYMMDD")
    return day
