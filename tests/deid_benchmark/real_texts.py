"""Every distinct Study and Series Description of the Imaging Data Commons, with made-up patients.

Belongs here: reading them, excluding those with content that rules require to remove, and patients
whose names, numbers and years occur in none of their texts.
Does not belong here: scoring.
"""

from __future__ import annotations

import hashlib
import random
import re
import unicodedata
from collections import Counter, deque
from dataclasses import dataclass, field
from importlib import import_module

import duckdb

from .archive import Image, Patient, Series
from .make_archive import Maker, all_tokens, uid
from .texts import Part, Role, Text, tokens

STUDY_FIELDS = ("StudyDescription", "RequestedProcedureDescription", "StudyComments",
                "AdditionalPatientHistory")  # fmt: skip
SERIES_FIELDS = ("SeriesDescription", "ProtocolName", "PerformedProcedureStepDescription")
IMAGE_FIELD = "ImageComments"
STUDIES_PER_PATIENT = 40
# a collection that was published to test de-identification
WITH_IDENTIFIERS = "pseudo_phi_dicom_data"

_MONTH = (
    "jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|"
    "nov(ember)?|dec(ember)?"
)
_DAY, _NUMBER_OF_MONTH = "(0?[1-9]|[12][0-9]|3[01])", "(0?[1-9]|1[0-2])"
_YEAR = "((19|20)[0-9]{2}|[0-9]{2})"
# content that must be removed from any text; the first matching pattern is the reason
EXCLUDED = {
    "control character": "[\\x00-\\x1f\\ufffd]",
    "mail": "[^ @]+@[^ @]+[.][a-z]{2,}",
    "web address": "https?://|www[.]",
    "long number": "[0-9]{5,}",
    "date": "|".join((
        f"(?<![0-9./-]){_DAY}[./-]{_NUMBER_OF_MONTH}[./-]{_YEAR}(?![0-9./-])",
        f"(?<![0-9./-]){_NUMBER_OF_MONTH}[./-]{_DAY}[./-]{_YEAR}(?![0-9./-])",
        f"(?<![0-9./-])(19|20)[0-9]{{2}}[./-]{_NUMBER_OF_MONTH}[./-]{_DAY}(?![0-9./-])",
        f"(?<![a-z])({_MONTH})[ ./,_-]*{_DAY}?(st|nd|rd|th)?[ ./,_-]+(19|20)[0-9]{{2}}(?![0-9])",
        f"(?<![0-9]){_DAY}[ ./_-]*({_MONTH})[ ./,_-]*{_YEAR}(?![0-9])",
        f"(?<![a-z])({_MONTH})[ ./_-]+{_DAY}(?![0-9])",
    )),
    "age over 89": "(?<![0-9])(9[0-9]|1[0-2][0-9])[ -]*(years?|y[/ ]?o|yrs?)(?![a-z])",
}  # fmt: skip
_EXCLUDED = {why: re.compile(pattern, re.IGNORECASE) for why, pattern in EXCLUDED.items()}


@dataclass
class RealTexts:
    """Texts that must remain unchanged, and the number of excluded texts by reason."""

    of_studies: list[str] = field(default_factory=list)
    of_series: list[str] = field(default_factory=list)
    excluded: Counter[str] = field(default_factory=Counter)

    @property
    def texts(self) -> int:
        """Return the number of texts that are written into files."""
        return len(self.of_studies) + len(self.of_series)


def why_excluded(text: str) -> str | None:
    """Return the kind of content in a text that must be removed, or None."""
    return next((why for why, pattern in _EXCLUDED.items() if pattern.search(text)), None)


def held_out(text: str) -> bool:
    """Return whether a text is held out: it must not be used to make the word list."""
    return hashlib.sha256(text.encode()).hexdigest()[0] in "abcdef"


def read() -> RealTexts:
    """Return all distinct descriptions of `idc-index-data`."""
    index = str(import_module("idc_index_data").IDC_INDEX_PARQUET_FILEPATH)
    query = (
        "select {0}, bool_and(collection_id = ?) from read_parquet(?) where {0} is not null"
        " group by 1 order by 1"
    )
    found = RealTexts()
    with duckdb.connect() as connection:
        studies, series = (
            connection.execute(query.format(column), [WITH_IDENTIFIERS, index]).fetchall()
            for column in ("StudyDescription", "SeriesDescription")
        )
    seen: set[str] = set()
    for place, texts in ((found.of_studies, studies), (found.of_series, series)):
        for text, has_identifiers in texts:
            text = unicodedata.normalize("NFC", text).strip()
            if not text or text in seen:
                continue
            seen.add(text)
            why = "made-up identifier" if has_identifiers else why_excluded(text)
            if why:
                found.excluded[why] += 1
            else:
                place.append(text)
    return found


def patients(found: RealTexts, seed: int, limit: int | None = None) -> list[Patient]:
    """Return made-up patients whose files contain the texts, eight per file."""
    chance = random.Random(seed)
    of_studies, of_series = list(found.of_studies), list(found.of_series)
    chance.shuffle(of_studies)
    chance.shuffle(of_series)
    if limit is not None:
        of_studies, of_series = of_studies[: limit // 8], of_series[: limit * 7 // 8]
    # study descriptions go into studies first, the remaining texts into any attribute
    waiting = deque(of_studies), deque(of_series)
    maker = Maker(seed + 1)
    made: list[Patient] = []
    most = 20 + 2 * (len(of_studies) + len(of_series)) // (8 * STUDIES_PER_PATIENT)
    while waiting[0] or waiting[1]:
        patient = maker.stranger(len(made))
        own = all_tokens(patient)
        for number in range(STUDIES_PER_PATIENT):
            if not (waiting[0] or waiting[1]):
                break
            _add_study(patient, f"{len(made)}.{number}", seed, waiting, own)
        made.append(patient)
        if len(made) > most:
            raise RuntimeError(
                "no made-up patient fits the remaining texts: identifiers occur in them"
            )
    return made


def _add_study(
    patient: Patient, place: str, seed: int, waiting: tuple[deque[str], deque[str]],
    own: frozenset[str],
) -> None:  # fmt: skip
    template = patient.studies[0]
    study = template if not template.series else None
    if study is None:
        study = type(template)(
            uid(seed, "real", place), template.modality, template.when, template.clock,
            template.device, template.accession, template.people, dict(template.header),
        )  # fmt: skip
        study.header["StudyInstanceUID"] = study.uid
        patient.studies.append(study)
    series = Series(uid(seed, "real series", place), {"SeriesNumber": 1})
    image = Image(uid(seed, "real image", place), 1, f"real/{place.replace('.', '/')}.dcm", {})
    image.header = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "InstanceNumber": 1}
    first, second = waiting
    for attribute in STUDY_FIELDS:
        fitting = first or second if attribute == "StudyDescription" else second or first
        if text := _next(fitting, own):
            study.texts[attribute] = [text]
    for attribute in SERIES_FIELDS:
        if text := _next(second or first, own):
            series.texts[attribute] = text
    if text := _next(second or first, own):
        image.texts[IMAGE_FIELD] = text
    series.images.append(image)
    study.series.append(series)


def _next(waiting: deque[str], own: frozenset[str]) -> Text | None:
    """Return the next text without tokens of the patient; skipped ones remain in the queue."""
    for _ in range(min(len(waiting), 50)):
        text = waiting.popleft()
        if own.isdisjoint(tokens(text)):
            return Text((Part(text, Role.STAY),), "real", "real", held_out(text))
        waiting.append(text)
    return None
