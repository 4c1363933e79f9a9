"""Model of the archive: patients, their studies and series, and the texts of each.

Belongs here: the objects, and the identifiers that are available to a template.
Does not belong here: generating them (make_archive), files, and the answer key.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

from . import renderings
from .people import LATIN, Person, person
from .templates import Impossible
from .texts import Planted, Text, tokens, word_list

# imaging abbreviations of two or three letters, which cannot be distinguished from initials
ABBREVIATIONS = word_list("abbreviations")
MAX_LENGTH = {
    "occupation": 16,
    "coil": 16,
    "pulse": 16,
    "nucleus": 16,
}  # SH has 16 characters; LT is long enough for all texts
LONG = ("comment", "history")
PATIENT_KINDS = frozenset(
    ("name", "mrn", "birth", "phone", "paddr", "otherid", "mother", "birthname")
)


@dataclass(frozen=True, slots=True)
class Institution:
    """A line of `institutions.csv`."""

    name: str
    word: str
    acronym: str
    department: str
    address: str
    city: str


@dataclass(frozen=True, slots=True)
class Device:
    """A scanner."""

    manufacturer: str
    model: str
    serial: str
    station: str
    software: str
    institution: Institution


@dataclass(slots=True)
class Image:
    """A file."""

    uid: str
    number: int
    path: str
    header: dict[str, Any]
    texts: dict[str, Text] = field(default_factory=dict)
    refers_to: str = ""


@dataclass(slots=True)
class Series:
    """A series; `request` is a text inside Request Attributes Sequence."""

    uid: str
    header: dict[str, Any]
    texts: dict[str, Text] = field(default_factory=dict)
    request: Text | None = None
    images: list[Image] = field(default_factory=list)


@dataclass(slots=True)
class Study:
    """A study, on one device."""

    uid: str
    modality: str
    when: date
    clock: time
    device: Device
    accession: str
    people: dict[str, Person]
    header: dict[str, Any]
    texts: dict[str, list[Text]] = field(default_factory=dict)
    series: list[Series] = field(default_factory=list)


@dataclass(slots=True)
class Patient:
    """A patient."""

    who: Person
    id: str
    issuer: str | None
    birth: date
    header: dict[str, Any]
    relatives: dict[str, Person] = field(default_factory=dict)
    phone: str = ""
    address: str = ""
    other_id: str = ""
    texts: dict[str, list[Text]] = field(default_factory=dict)
    studies: list[Study] = field(default_factory=list)

    @property
    def own_names(self) -> frozenset[str]:
        """Return the tokens of the patient's names."""
        return self.who.tokens.union(*(p.tokens for p in self.relatives.values()))

    @property
    def other_names(self) -> frozenset[str]:
        """Return the tokens of the names of other persons in the files of the patient."""
        return frozenset().union(
            *(p.tokens for study in self.studies for p in study.people.values())
        )

    @property
    def years(self) -> frozenset[int]:
        """Return the years of all dates of the patient."""
        return frozenset({self.birth.year, *(study.when.year for study in self.studies)})


def images(patients: list[Patient]) -> Iterator[tuple[Patient, Study, Series, Image]]:
    """Generate all files with their patient, study and series."""
    for patient in patients:
        for study in patient.studies:
            for series in study.series:
                for image in series.images:
                    yield patient, study, series, image


class Subject:
    """The identifiers in a file of a study, or in all files of a patient."""

    def __init__(
        self,
        patient: Patient,
        study: Study | None,
        chance: random.Random,
        institutions: list[Institution],
        harmless: frozenset[str],
    ) -> None:
        self.patient = patient
        self.study = study
        self.chance = chance
        self.institutions = institutions
        self.harmless = harmless

    @property
    def kinds(self) -> frozenset[str]:
        """Return the kinds of identifiers that the file has."""
        there = {"name", "mrn", "birth"}
        there |= {"phone"} if self.patient.phone else set()
        there |= {"paddr"} if self.patient.address else set()
        there |= {"otherid"} if self.patient.other_id else set()
        there |= set(self.patient.relatives)
        if self.study:
            there |= {"acc", "study", "studytime", "inst", "dept", "station", "city"}
            there |= set(self.study.people)
        return frozenset(there)

    def plant(self, kind: str, how: str, own: bool) -> Planted:
        """Return a rendering of an identifier; see `templates.Identifiers`."""
        planted = self._own(kind, how) if own else self._foreign(kind)
        if how == "initials" or kind == "initials":
            letters = "".join(planted.telling)
            if len(letters) < 2 or letters in self.harmless | ABBREVIATIONS:
                raise Impossible
        if not planted.telling:
            raise Impossible
        return planted

    def _own(self, kind: str, how: str) -> Planted:
        patient, chance = self.patient, self.chance
        if kind in ("name", "mother", "birthname"):
            who = patient.who if kind == "name" else patient.relatives[kind]
            return renderings.name(who, how or ("" if kind == "name" else "full"), chance)
        if kind in ("mrn", "otherid"):
            value = patient.id if kind == "mrn" else patient.other_id
            return renderings.number(value, how, chance)
        if kind == "birth":
            return renderings.day(patient.birth, how, chance)
        if kind == "phone":
            return renderings.phone(patient.phone, chance)
        if kind == "paddr":
            return renderings.place(patient.address)
        assert self.study
        return self._of_study(self.study, kind, how)

    def _of_study(self, study: Study, kind: str, how: str) -> Planted:
        chance, site = self.chance, study.device.institution
        if kind == "acc":
            return renderings.number(study.accession, how, chance)
        if kind == "study":
            return renderings.day(study.when, how, chance)
        if kind == "studytime":
            return renderings.moment(study.when, study.clock, chance)
        if kind == "station":
            return Planted(study.device.station, tuple(tokens(study.device.station)), together=True)
        if kind == "dept":
            return renderings.place(site.department)
        if kind == "city":
            return renderings.word(site.city, chance)
        if kind == "inst":
            text = {"": site.name, "word": site.word, "acronym": site.acronym}[how]
            if not text or (how and set(tokens(text)) <= self.harmless):
                raise Impossible
            return renderings.place(text) if not how else renderings.word(text, chance)
        return renderings.name(study.people[kind], how, chance)

    def _foreign(self, kind: str) -> Planted:
        chance = self.chance
        if kind in ("name", "family", "given", "initials"):
            return self._other_person(kind)
        if kind in ("date", "datetime", "monthyear"):
            years = [year for year in range(1996, 2008) if year not in self.patient.years]
            when = date(chance.choice(years), 1, 1) + timedelta(days=chance.randrange(365))
            if kind == "datetime":
                return renderings.moment(when, time(chance.randrange(7, 20), 17, 23), chance)
            return renderings.day(when, "" if kind == "date" else kind, chance)
        if kind == "age":
            return renderings.word(str(chance.randint(90, 104)), chance)
        if kind == "phone":
            return renderings.phone(phone_number(chance), chance)
        if kind == "ssn":
            area, group = chance.randint(900, 999), chance.randint(10, 99)
            return renderings.all_identifying(f"{area}-{group}-{chance.randint(1000, 9999)}")
        if kind == "mrn":
            return renderings.number(str(chance.randint(100_000, 99_999_999)), "asis", chance)
        if kind == "room":
            text = chance.choice(("3.114", "B-207", "4E12", "312", "0.08", "K2-115"))
            return Planted(text, tuple(tokens(text)), together=True)
        mine = {study.device.institution.name for study in self.patient.studies}
        address = self.patient.address
        site = chance.choice([
            i for i in self.institutions
            if i.word and i.name not in mine and i.word not in address and i.city not in address
        ])  # fmt: skip
        if kind == "inst":
            return renderings.place(site.name)
        if kind == "addr":
            return renderings.place(site.address)
        host = "".join(tokens(site.word)[:1]) if site.word.isascii() else "thornwick"
        if kind == "mail":
            who = person(chance, LATIN[:1])
            return renderings.contact(f"{who.given}.{who.family}@{host}.example".lower())
        if kind == "url":
            return renderings.contact(
                chance.choice((f"http://pacs.{host}.example/view", f"www.{host}.example"))
            )
        raise ValueError(kind)

    def _other_person(self, kind: str) -> Planted:
        how = {"name": "full", "family": "family", "given": "given", "initials": "initials"}[kind]
        taken = self.patient.own_names | self.patient.other_names | self.harmless
        for _ in range(20):
            who = person(self.chance, LATIN)
            if not who.tokens & taken and who.given:
                return renderings.name(who, how, self.chance)
        raise Impossible


def phone_number(chance: random.Random) -> str:
    """Return a telephone number in one of the usual forms."""
    a, b, c = chance.randint(200, 989), chance.randint(200, 989), chance.randint(1000, 9999)
    return chance.choice((
        f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"+49 {a} {b} {c}", f"0{a}/{b}{c}", f"+1 {a} {b} {c}",
        f"+33 1 {b % 90 + 10} {c} {a % 90 + 10}", f"{a}.{b}.{c}",
    ))  # fmt: skip
