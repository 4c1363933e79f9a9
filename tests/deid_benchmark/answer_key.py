"""The answer key: the expected result for every attribute of every file, by profile.

Belongs here: expectations, from the archive and `fields.csv`, which follows PS3.15 Table E.1-1.
Does not belong here: published tables, and the check of an expectation (scorer).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from .archive import Device, Patient, Series, Study
from .texts import Text

Entity = tuple[str | None, ...]
TABLES = ("patients", "studies", "series", "images", "devices")


@dataclass(frozen=True, slots=True)
class Field:
    """An attribute in a table, and its expected result in a profile.

    Attributes
    ----------
    fate
        ``retained`` (not null), ``exact`` (unchanged), ``text`` (cleaned), ``removed``,
        ``capped`` (an age), ``date``, ``uid``, ``patid``, ``pseudonym``, ``sequence``.
    """

    attribute: str
    table: str
    column: str
    fate: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """The expectation for one cell.

    Attributes
    ----------
    entity
        Original identifiers of the entity of the row: see `published.Published.row`.
    patient
        The patient to whom the row belongs; empty for a device.
    value
        The value in the file: a `Text`, a list of them, a date, or a plain value.
    """

    field: Field
    entity: Entity
    patient: Entity
    value: Any

    def document(self) -> dict[str, Any]:
        """Return the entry for the answer key file."""
        texts = self.value if isinstance(self.value, list) else [self.value]
        answers = [_answer(v) if isinstance(v, Text) else str(v) for v in texts]
        field = self.field
        return {"table": field.table, "column": field.column, "attribute": field.attribute,
                "fate": field.fate, "entity": self.entity, "expected": answers}  # fmt: skip


def _answer(text: Text) -> dict[str, Any]:
    """Return the answer of a text; texts of held-out templates are not quoted in the file."""
    if text.held_out:
        return {"template": text.template, "held out": True}
    parts = [
        {"text": part.text, "must": part.role.value, "kind": part.kind, "own": part.own}
        for part in text.parts
    ]
    return {"template": text.template, "parts": parts}


@cache
def fields(profile: str) -> dict[str, tuple[Field, ...]]:
    """Return the fields of each table."""
    with (Path(__file__).parent / "fields.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {
        table: tuple(
            Field(row["attribute"], table, row["column"], row[profile])
            for row in rows
            if row["table"] == table
        )
        for table in TABLES
    }


def answer_key(patients: Iterable[Patient], profile: str) -> Iterator[Expectation]:
    """Generate all expectations of an archive."""
    devices: dict[Entity, Device] = {}
    for patient in patients:
        owner: Entity = (patient.id, patient.issuer)
        yield from _cells("patients", profile, owner, owner, patient.header, patient.texts)
        for study in patient.studies:
            entity: Entity = (study.uid,)
            header = patient.header | study.header
            texts = patient.texts | study.texts
            yield from _cells("studies", profile, entity, owner, header, texts)
            yield _link("studies", entity, owner)
            yield from _intervals(patient, study, profile)
            devices[_device(study.device)] = study.device
            for series in study.series:
                yield from _of_series(patient, study, series, profile)
    for entity, device in devices.items():
        yield from _cells("devices", profile, entity, (), _device_header(device), {})


def _of_series(
    patient: Patient, study: Study, series: Series, profile: str
) -> Iterator[Expectation]:
    owner: Entity = (patient.id, patient.issuer)
    entity: Entity = (series.uid,)
    header: dict[str, Any] = study.header | series.header | {"SeriesInstanceUID": series.uid}
    if series.request:
        uids = (study.uid, study.accession)
        header["RequestAttributesSequence"] = (series.request, "00321060", uids)
    yield from _cells("series", profile, entity, owner, header, series.texts)
    yield _link("series", entity, owner)
    for image in series.images:
        about: dict[str, Any] = {"SOPInstanceUID": image.uid, "SeriesInstanceUID": series.uid}
        if image.refers_to:
            about["ReferencedImageSequence"] = (None, image.refers_to, (image.refers_to,))
        yield from _cells("images", profile, (image.uid,), owner, image.header | about, image.texts)
        yield _link("images", (image.uid,), owner)


def _cells(
    table: str, profile: str, entity: Entity, patient: Entity, header: dict[str, Any],
    texts: dict[str, Text] | dict[str, list[Text]],
) -> Iterator[Expectation]:  # fmt: skip
    for field in fields(profile)[table]:
        value: Any = texts.get(field.attribute, header.get(field.attribute))
        if value is None:
            continue
        if field.fate == "date":
            value = datetime.strptime(value, "%Y%m%d").date()
        yield Expectation(field, entity, patient, value)


def _link(table: str, entity: Entity, patient: Entity) -> Expectation:
    """Expect the same patient key in every table."""
    return Expectation(Field("PatientID", table, "patient_key", "link"), entity, patient, patient)


def _intervals(patient: Patient, study: Study, profile: str) -> Iterator[Expectation]:
    if profile == "strict":
        return
    first: date = min(other.when for other in patient.studies)
    field = Field("StudyDate", "studies", "days_since_first_study", "interval")
    owner: Entity = (patient.id, patient.issuer)
    yield Expectation(field, (study.uid,), owner, (study.when - first).days)


def _device(device: Device) -> Entity:
    return device.manufacturer, device.model, device.serial


def _device_header(device: Device) -> dict[str, Any]:
    site = device.institution
    return {
        "Manufacturer": device.manufacturer,
        "ManufacturerModelName": device.model,
        "DeviceSerialNumber": device.serial,
        "SoftwareVersions": device.software,
        "StationName": device.station,
        "InstitutionName": site.name,
        "InstitutionAddress": site.address,
        "InstitutionalDepartmentName": site.department,
    }
