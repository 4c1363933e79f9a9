"""Terms of patients and the word lists of the seeds, as the cleaning modules get them.

Belongs here: what several tests of cleaning need.
Does not belong here: texts and sequences (tests.support, tests.warehouse).
"""

from __future__ import annotations

import csv
from functools import cache

from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.deid.cleaning.own_terms import OwnTerms, parse_terms
from dicom_pipeline.deid.cleaning.text_cleaning import TextCleaner
from dicom_pipeline.deid.identity_terms import IdentityTerms
from dicom_pipeline.mapping.identity_attributes import load_identity_attributes

IDENTITY = load_identity_attributes()
SEEDS = DBT_PROJECT_DIR / "seeds"


@cache
def cleaner() -> TextCleaner:
    with (SEEDS / "allowed_words.csv").open(newline="") as lines:
        return TextCleaner({line["word"] for line in csv.DictReader(lines)})


@cache
def defined_terms() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    with (SEEDS / "defined_terms.csv").open(newline="") as lines:
        for line in csv.DictReader(lines):
            found.setdefault(line["attribute"], set()).add(line["term"])
    return found


def terms(patient: dict[str, str]) -> str:
    """Return the column `terms` of a patient, given as attributes by keyword."""
    return IdentityTerms(IDENTITY).of(
        [patient.get(attribute.attribute) for attribute in IDENTITY.attributes]
    )


def own_terms(patient: dict[str, str]) -> OwnTerms:
    return OwnTerms.of_patient(parse_terms(terms(patient)), cleaner().allowed_words)


def device_terms(*patients: dict[str, str]) -> OwnTerms:
    found = set().union(*(parse_terms(terms(patient)) for patient in patients))
    return OwnTerms.of_devices(found, cleaner().allowed_words)


def cleaned(patient: dict[str, str], text: str) -> str | None:
    """Clean a text of a patient's study; fail if the cleaner raised an exception."""
    result = cleaner().clean(text, own_terms(patient))
    assert not result.failed
    return result.text
