"""The archive has valid files, uses all templates equally, and has a correct answer key."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter, deque
from pathlib import Path

import pytest
from pydicom import dcmread

from . import real_texts
from .answer_key import answer_key, fields
from .archive import Patient, images
from .files import write
from .make_archive import Maker
from .people import difficult
from .templates import Impossible, load
from .texts import Part, Role, Text, plain, tokens

LIBRARY = load()


@pytest.fixture(scope="module")
def archive() -> list[Patient]:
    return Maker(7).make(1_500)


def texts(patients: list[Patient]) -> list[Text]:
    found = []
    for patient in patients:
        levels = [patient.texts, *(study.texts for study in patient.studies)]
        found += [text for level in levels for given in level.values() for text in given]
    for _, _, series, image in images(patients):
        found += [*series.texts.values(), *image.texts.values()]
    return found


def test_about_a_third_of_the_templates_is_held_out_by_their_ids() -> None:
    out = [t for t in LIBRARY.templates if t.held_out]
    assert 0.28 < len(out) / len(LIBRARY.templates) < 0.40
    again = {
        t.id
        for t in LIBRARY.templates
        if int(hashlib.sha256(t.id.encode()).hexdigest(), 16) % 3 == 0
    }
    assert {t.id for t in out} == again
    assert len({t.id for t in LIBRARY.templates}) == len(LIBRARY.templates)


def test_every_template_is_used_and_every_slot_is_known(archive: list[Patient]) -> None:
    used = Counter(text.template for text in texts(archive))
    requests = {t.id for t in LIBRARY.templates if t.use == "request"}
    assert {t.id for t in LIBRARY.templates} - set(used) - requests == set()


def test_the_same_seed_gives_the_same_archive() -> None:
    one, two = (Maker(3).make(60) for _ in range(2))
    assert [t.value for t in texts(one)] == [t.value for t in texts(two)]
    assert [image.uid for *_, image in images(one)] == [image.uid for *_, image in images(two)]


STRUCTURED = (
    "PatientName", "PatientID", "OtherPatientIDs", "PatientAddress", "PatientTelephoneNumbers",
    "PatientMotherBirthName", "PatientBirthName", "ReferringPhysicianName", "AccessionNumber",
    "NameOfPhysiciansReadingStudy", "PerformingPhysicianName", "OperatorsName", "InstitutionName",
    "InstitutionAddress", "InstitutionalDepartmentName", "StationName",
)  # fmt: skip


def test_own_identifiers_are_in_the_header_of_the_file_and_foreign_ones_are_not(
    archive: list[Patient], tmp_path: Path
) -> None:
    """Compares without case, accents and separators; dates, initials and acronyms are derived."""
    some = archive[:60]
    write(tmp_path, some)
    own: list[bool] = []
    foreign: list[bool] = []
    for _, study, series, image in images(some):
        made = dcmread(tmp_path / image.path)
        header = " ".join(str(made.get(attribute, "")) for attribute in STRUCTURED)
        given = [*study.texts.get("StudyDescription", []), *series.texts.values()]
        for part in (part for text in given for part in text.parts):
            telling = part.planted.telling if part.planted else ()
            whole = ("acc", "station", "inst", "dept", "city", "mrn")
            if not part.own and part.kind in ("family", "name", "mail", "inst"):
                foreign.append(set(telling) <= set(tokens(plain(header))))
            elif not telling or not part.own or not part.text.isascii():
                continue
            elif part.kind in whole or ":family" in part.kind:
                own.append(all(squeezed(token) in squeezed(header) for token in telling))
    assert len(own) > 100 and all(own)
    assert len(foreign) > 30 and not any(foreign)


def squeezed(text: str) -> str:
    return "".join(tokens(plain(unicodedata.normalize("NFC", text))))


def test_files_are_read_back_with_the_intended_texts(
    archive: list[Patient], tmp_path: Path
) -> None:
    some = archive[:40]
    assert write(tmp_path, some) == sum(1 for _ in images(some))
    for patient, study, series, image in images(some):
        made = dcmread(tmp_path / image.path)
        assert (made.PatientID, made.StudyInstanceUID) == (patient.id, study.uid)
        assert str(made.PatientName) == patient.who.dicom
        for attribute, text in (series.texts | image.texts).items():
            assert str(made[attribute].value) == text.value
        for attribute, given in study.texts.items():
            value = made[attribute].value
            several = [value] if isinstance(value, str) else list(value)
            assert several == [text.value for text in given]
            assert (
                attribute == "StudyComments"
                or attribute == "AdditionalPatientHistory"
                or all(len(one) <= 64 for one in several)
            )


def test_initials_that_are_imaging_abbreviations_are_not_planted(archive: list[Patient]) -> None:
    planted = {
        "".join(part.planted.telling)
        for text in texts(archive)
        for part in text.parts
        if part.planted and "initials" in part.kind
    }
    assert planted
    assert not planted & {"ct", "mr", "ap", "pa", "lt", "rt", "ax", "te", "tr"}


def test_difficult_names_are_in_the_archive() -> None:
    names = {person.family for person in difficult()}
    assert {"Hand", "Page", "Philips", "Li", "O'Connor", "王"} <= names
    made = Maker(5).make(6_000)
    assert len(names & {patient.who.family for patient in made}) > 20


def test_a_patient_named_hand_keeps_the_body_part_code_and_loses_the_word_in_texts() -> None:
    maker = Maker(1)
    patient = maker.patient(0, next(p for p in difficult() if p.family == "Hand"), None)
    series = patient.studies[0].series[0]
    assert series.header["BodyPartExamined"] == "HAND"
    key = list(answer_key([patient], "research"))
    wanted = [e.value for e in key if e.field.column == "body_part_examined"]
    assert wanted and set(wanted) == {"HAND"}
    for text in texts([patient]):
        stays = [t for part in text.parts if part.role is Role.STAY for t in tokens(part.text)]
        assert "hand" not in stays


def test_both_profiles_have_every_field_once() -> None:
    for profile in ("research", "strict"):
        cells = [(f.table, f.column) for table in fields(profile).values() for f in table]
        assert len(cells) == len(set(cells))


def test_a_template_with_an_unavailable_identifier_is_impossible() -> None:
    class Nothing:
        def plant(self, kind: str, how: str, own: bool) -> None:
            raise Impossible

    template = next(t for t in LIBRARY.templates if "{name}" in t.text)
    with pytest.raises(Impossible):
        LIBRARY.fill(template, Nothing(), Maker(1).chance)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("CT CHEST 12345", "long number"), ("CHEST 2012-03-04", "date"),
        ("CHEST 1/14/13", "date"), ("04MAR2012 CHEST", "date"), ("Jul 16 2020", "date"),
        ("93 yo CHEST", "age over 89"),
        ("a.b@c.org", "mail"), ("see www.x.example", "web address"),
        ("A\x01B", "control character"),
        ("T2 FSE 3.0 mm 512x512", None), ("C5/C6 L4-L5 1.5T 30%", None), ("89 yo CHEST", None),
        ("0,OPA,GE,LSQX,STANDARD,314,2.5,140,40,0,1.5", None),
        ("2.5/1.25 MARCH PHASE 3", None),
        ("P4^P110^S119^I0, Gated, 20.0%", None), ("04-1-04-2-B", None), ("MAYO 12", None),
    ],
)  # fmt: skip
def test_real_descriptions_with_content_to_remove_are_excluded(text: str, why: str | None) -> None:
    assert real_texts.why_excluded(text) == why


def test_every_real_description_is_in_one_file_of_an_unrelated_patient() -> None:
    found = real_texts.RealTexts(
        [f"CT CHEST protocol {n}" for n in range(30)], [f"Axial {n} mm 2011" for n in range(900)]
    )
    made = real_texts.patients(found, 11)
    assert Counter(text.value for text in texts(made)) == Counter(
        found.of_studies + found.of_series
    )
    for patient in made:
        assert 2011 not in patient.years or not any("2011" in t.value for t in texts([patient]))


def test_a_real_text_is_given_to_a_patient_whose_names_it_does_not_contain() -> None:
    own = frozenset({"kowalski"})
    waiting = deque(["CT Kowalski", "CT CHEST"])
    text = real_texts._next(waiting, own)
    assert text == Text(
        (Part("CT CHEST", Role.STAY),), "real", "real", real_texts.held_out("CT CHEST")
    )
    assert list(waiting) == ["CT Kowalski"]
