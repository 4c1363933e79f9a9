"""Single values in the items of sequences: dates, times, ages, UIDs and codes, as text.

Belongs here: the de-identification of one value, and the default by VR.
Does not belong here: free text (text_cleaning), and the structure of a sequence
(sequence_cleaning).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.date_rules import ANY_ATTRIBUTE, load_date_rules
from dicom_pipeline.mapping.registered_uids import registered_uids

# Coding schemes of the standard (PS3.16 Table 8-1). Everybody can look up their codes, which say
# nothing of a site; codes of any other scheme are treated as text.
CODING_SCHEMES = frozenset(
    {
        "99SDM", "ACR", "BARI", "BI", "C4", "DCM", "DCMUID", "FMA", "I10", "I9", "I9C", "IBSI",
        "ISO3166_1", "ISO639_1", "ISO639_2", "ITIS_TSN", "LN", "MDC", "MSH", "NCIt", "NDC", "NEU",
        "PUBCHEM_CID", "RADELEMENT", "RADLEX", "RXNORM", "SCT", "SNM3", "SRT", "UCUM", "UMLS",
    }
)  # fmt: skip
_NUMBER_VRS = ("DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV")
_BY_VR = dict.fromkeys(_NUMBER_VRS, "keep_number") | {
    "UI": "uid",
    "CS": "keep_code",
    "SQ": "clean_sequence",
    "AT": "keep_tag",
}
_BY_VR_IN_RESEARCH = {
    "DA": "shift_date",
    "DT": "shift_datetime",
    "TM": "keep_time",
    "AS": "age_cap",
}
_CODE_VALUE = re.compile("[A-Za-z]{1,4}|[A-Z0-9.:-]*[0-9][A-Z0-9.:-]*")
_DATE_AS_CODE = re.compile("(18|19|20)[0-9]{2}[.:-]?(0[1-9]|1[0-2])[.:-]?(0[1-9]|[12][0-9]|3[01])")
_UID = re.compile("[0-9.]{1,64}")
_DATE = re.compile("(18|19|20)[0-9]{2}([0-9]{4}|[.][0-9]{2}[.][0-9]{2})")
_TIME = re.compile(
    "([01][0-9]|2[0-3])([0-9]{2}([0-9]{2}([.][0-9]{1,6})?)?)?"
    "|([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?"
)
_DATETIME = re.compile(
    "(18|19|20)[0-9]{2}[0-9]{4}(([01][0-9]|2[0-3])([0-9]{2}([0-9]{2}([.][0-9]{1,6})?)?)?)?"
    "([+-][0-9]{4})?"
)
_AGE = re.compile("[0-9]{1,3}[YMWD]")
_OLDEST = "089Y"
_OVER_OLDEST = "090Y"


def action_of_vr(vr: str, profile: Profile) -> str:
    """Return the function for an element that the seed does not name."""
    action = _BY_VR_IN_RESEARCH.get(vr) if profile is Profile.RESEARCH else None
    return action or _BY_VR.get(vr, "remove")


def is_code_value(value: str) -> bool:
    """Whether a value has the form of a code: a few letters, or a digit among capitals; no date."""
    return _CODE_VALUE.fullmatch(value) is not None and _DATE_AS_CODE.fullmatch(value) is None


def deidentified_value(
    action: str, value: str, *, shift_days: int, uid: Callable[[str], str]
) -> str | None:
    """De-identify a value that is neither a text nor a code.

    Parameters
    ----------
    action
        Function; unknown ones remove the value.
    value
        Value as text.
    shift_days
        Days by which the patient's dates go back.
    uid
        Returns the replacement of a UID.
    """
    if action == "uid":
        if value in registered_uids():
            return value
        return uid(value) if _UID.fullmatch(value) else None
    if action == "shift_date":
        return _shifted_date(value, shift_days)
    if action == "shift_datetime":
        return _shifted_datetime(value, shift_days)
    if action == "keep_time":
        is_time = _TIME.fullmatch(value) and _is_clock(value.replace(":", ""))
        return _without_fraction(value) if is_time else None
    if action == "age_cap":
        return _capped_age(value)
    return None


def _parsed_date(value: str) -> date | None:
    if not _DATE.fullmatch(value):
        return None
    digits = value.replace(".", "")
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _shifted_date(value: str, shift_days: int) -> str | None:
    # everybody knows a placeholder: a shifted one would reveal the shift
    day = _parsed_date(value)
    if day is None or load_date_rules().is_known_placeholder(ANY_ATTRIBUTE, day):
        return None
    return f"{day - timedelta(days=shift_days):%Y%m%d}"


def _shifted_datetime(value: str, shift_days: int) -> str | None:
    """Shift the date of a date and time; the clock stays, without its offset.

    A value without a day is removed: its shifted day would reveal the shift.
    """
    if not _DATETIME.fullmatch(value):
        return None
    clock = re.split("[+-]", value, maxsplit=1)[0][8:]
    day = _shifted_date(value[:8], shift_days)
    return None if day is None or not _is_clock(clock) else day + _without_fraction(clock)


def _without_fraction(clock: str) -> str:
    """Cut off fractions of a second, which are as good as a fingerprint of the image."""
    return clock.partition(".")[0]


def _is_clock(digits: str) -> bool:
    """Whether minutes and seconds of HHMMSS.F are below 60; the pattern has checked the hour."""
    return digits[2:4] < "60" and digits[4:6] < "60"


def _capped_age(value: str) -> str | None:
    if not _AGE.fullmatch(value):
        return None
    age = value.zfill(4)  # some devices write fewer digits
    # in three digits only years reach beyond: 999M are 83 years
    return _OVER_OLDEST if age.endswith("Y") and age > _OLDEST else age
