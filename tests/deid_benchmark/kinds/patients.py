"""Made-up patients whose identifiers the generators write into texts.

Belongs here: names, identifiers and dates of one patient.
Does not belong here: their renderings (own), and other people (strangers).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from dicom_pipeline.deid.cleaning.text_tokens import word_set

# families that are words of radiology or of a language, ordinary ones, and short ones
FAMILIES = sorted(
    word_set(
        """
        Hand Page Flood Stone Wall Young Green Brown Farmer Mason Waters Head Foote Long Short
        Small Cross Field Banks Ray Marks Price Case Bone Rose Berg Klein Gross Blanc Roth Vogel
        Kurz Sanz Leon Campos Torres Costa Silva Rocha Wegrzyn Yilmaz Kowalczyk Schroeder
        Lindqvist Haraldsen Obermeier Tanaka Okonkwo Papadakis Delacroix Vandenberg Gu Lu Li Ng
        Oh Wu Ko Xi
        """
    )
)
GIVEN = sorted(
    word_set(
        """
        Anna Marta Peter Olga Ivo Rosa Lena Grace Faith Mark Bill Sue Ray Dawn Iris Art Will Jo
        Bo Karl Zoe Hiroshi Mei Tomasz Ayse Mehmet Lucia Paolo Ines Joao Pieter Sven Greta
        """
    )
)


@dataclass(frozen=True)
class Patient:
    """Identifiers of a patient; ``header`` has them as attributes."""

    family: str
    given: str
    middle: str
    mrn: str
    accession: str
    born: date
    studied: date
    earlier: date
    physician: str

    @property
    def dates(self) -> tuple[date, ...]:
        """Return the dates of the patient."""
        return self.born, self.studied, self.earlier

    def header(self, studied: date) -> dict[str, str]:
        """Return the attributes of one study."""
        return {
            "PatientName": "^".join((self.family, self.given, self.middle)).rstrip("^"),
            "PatientID": self.mrn,
            "AccessionNumber": self.accession,
            "PatientBirthDate": f"{self.born:%Y%m%d}",
            "StudyDate": f"{studied:%Y%m%d}",
            "ReferringPhysicianName": self.physician,
        }


def _digits(chance: random.Random, count: int) -> str:
    return str(chance.randint(1, 9)) + "".join(str(chance.randint(0, 9)) for _ in range(count - 1))


def _number(chance: random.Random, lengths: tuple[int, ...]) -> str:
    number = _digits(chance, chance.choice(lengths))
    return chance.choice((number, number, "0" * chance.randint(1, 4) + number))


def patient(chance: random.Random, *, has_short_id: bool = False) -> Patient:
    """Return a random patient."""
    studied = date(2005, 1, 1) + timedelta(chance.randint(0, 7000))
    mrn = chance.choice((
        _number(chance, (5, 6, 7, 8, 9)),
        _number(chance, (7, 8)),
        chance.choice(("MRN", "P", "AB", "KX")) + chance.choice(("-", "", " "))
        + _digits(chance, chance.choice((4, 5, 6, 7))),
    ))  # fmt: skip
    if has_short_id:
        mrn = chance.choice((str(chance.randint(2, 99)), "007", "x7", "K9", "b12", "315"))
    return Patient(
        family=chance.choice(FAMILIES),
        given=chance.choice(GIVEN),
        middle=chance.choice(("", "", chance.choice(GIVEN))),
        mrn=mrn,
        accession=chance.choice(("", "A", "RAD")) + _digits(chance, chance.choice((6, 7, 8, 10))),
        born=date(1925, 1, 1) + timedelta(chance.randint(0, 30000)),
        studied=studied,
        earlier=studied - timedelta(chance.randint(40, 2500)),
        physician=f"{chance.choice(FAMILIES)}^{chance.choice(GIVEN)}",
    )
