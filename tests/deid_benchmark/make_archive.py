"""Generate the archive: the same seed gives the same patients, texts and UIDs.

Belongs here: choosing names, numbers, dates, devices and templates.
Does not belong here: templates, renderings, and writing files.
"""

from __future__ import annotations

import csv
import hashlib
import random
from collections import Counter
from collections.abc import Callable
from datetime import date, time, timedelta
from functools import cache

from .archive import (
    LONG,
    MAX_LENGTH,
    PATIENT_KINDS,
    Device,
    Image,
    Institution,
    Patient,
    Series,
    Study,
    Subject,
    phone_number,
)
from .headers import BODY_PARTS, MODALITIES, MODELS, image_header, patient_header, study_header
from .people import LATIN, Person, difficult, person
from .templates import Impossible, Library, Template, load
from .texts import FOLDER, Part, Role, Text, split_names, tokens

FIRST, LAST = date(2009, 1, 5), date(2014, 12, 20)
ISSUERS = (None, None, None, "ELMS", "QB-KIS", "HIS")
PHYSICIANS = ("ref", "read", "perf", "op", "req", "record")
# attribute, use of templates, probability
PATIENT_TEXTS = (("PatientComments", "comment", 0.6), ("Allergies", "allergy", 0.4),
                 ("Occupation", "occupation", 0.3), ("SpecialNeeds", "needs", 0.3))  # fmt: skip
STUDY_TEXTS = (
    ("StudyDescription", "study", 1.0), ("RequestedProcedureDescription", "study", 0.7),
    ("StudyComments", "comment", 0.5), ("AdditionalPatientHistory", "history", 0.7),
    ("AdmittingDiagnosesDescription", "diagnosis", 0.4), ("MedicalAlerts", "alert", 0.3),
    ("PatientState", "state", 0.3), ("RequestingService", "service", 0.5),
)  # fmt: skip
SERIES_TEXTS = (
    ("SeriesDescription", "series", 1.0), ("ProtocolName", "series", 1.0),
    ("PerformedProcedureStepDescription", "series", 0.6),
    ("PositionReferenceIndicator", "reference", 0.3),
)  # fmt: skip
IMAGE_TEXTS = (
    ("ImageComments", "comment", 0.4), ("ReceiveCoilName", "coil", 1.0),
    ("SequenceName", "pulse", 1.0), ("ImagedNucleus", "nucleus", 1.0),
    ("WindowCenterWidthExplanation", "window", 0.5),
)  # fmt: skip
SEVERAL = ("AdmittingDiagnosesDescription", "MedicalAlerts", "Allergies")


def uid(*parts: object) -> str:
    """Return a UID that is determined by the parts, with the root of a fictitious organisation."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()
    return f"1.3.6.1.4.1.99999.{int(digest[:24], 16)}"


@cache
def institutions() -> list[Institution]:
    """Return all institutions of `institutions.csv`."""
    with (FOLDER / "institutions.csv").open(encoding="utf-8", newline="") as lines:
        return [Institution(**row) for row in csv.DictReader(lines)]


class Deck:
    """Selects templates such that all that fit are used about equally often."""

    def __init__(self, library: Library, chance: random.Random) -> None:
        self.library = library
        self.chance = chance
        self.harmless = library.words()
        self.used: Counter[str] = Counter()
        self._fitting: dict[tuple[str, str, frozenset[str]], list[Template]] = {}

    def deal(self, use: str, modality: str, subject: Subject) -> Text | None:
        """Return a text for a field, or None if the use has no template for the modality."""
        fitting = self._of(use, modality, subject.kinds)
        for template in sorted(fitting, key=lambda t: (self.used[t.id], self.chance.random())):
            for _ in range(3):
                try:
                    text = self.library.fill(template, subject, self.chance)
                except Impossible:
                    continue
                if use in LONG or len(text.value) <= MAX_LENGTH.get(use, 64):
                    self.used[template.id] += 1
                    return text
            self.used[template.id] += 1
        return None

    def _of(self, use: str, modality: str, kinds: frozenset[str]) -> list[Template]:
        key = use, modality, kinds
        if key not in self._fitting:
            self._fitting[key] = [
                t for t in self.library.templates
                if t.use == use and t.modality in ("", modality) and t.kinds <= kinds
            ]  # fmt: skip
        return self._fitting[key]


class Maker:
    """Generates patients until there are enough files."""

    def __init__(self, seed: int, library: Library | None = None) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.library = library or load()
        self.deck = Deck(self.library, self.chance)
        self.devices = {m: [self._device(i, m) for i in institutions()] for m in MODALITIES}
        self.count = 0

    def make(self, files: int) -> list[Patient]:
        """Return patients with at least `files` files in total."""
        patients: list[Patient] = []
        hard = list(difficult())
        while sum(self._files(p) for p in patients[-1:]) + self.count < files:
            if patients:
                self.count += self._files(patients[-1])
            who = hard[len(patients) // 12 % len(hard)] if len(patients) % 12 == 5 else None
            earlier = patients[-1] if len(patients) % 40 == 7 else None
            patients.append(self.patient(len(patients), who, earlier))
        return patients

    @staticmethod
    def _files(patient: Patient) -> int:
        return sum(len(series.images) for study in patient.studies for series in study.series)

    def patient(self, number: int, chosen: Person | None, earlier: Patient | None) -> Patient:
        """Return a patient with all studies; texts come last, as they use all names and dates."""
        chance = self.chance
        is_hard = chosen is not None
        birth = date(1921, 1, 2) + timedelta(days=chance.randrange(365 * 84))
        patient = Patient(
            chosen or person(chance), self._patient_id(number), chance.choice(ISSUERS), birth, {}
        )
        if earlier:
            self._same_number(patient, earlier)
        if chance.random() < 0.5:
            patient.phone = phone_number(chance)
            patient.address = chance.choice(institutions()).address.replace("1", "2")
        if chance.random() < 0.4:
            patient.other_id = f"X{chance.randint(100_000, 9_999_999)}"
        for kind in ("mother", "birthname"):
            if chance.random() < 0.3:
                patient.relatives[kind] = person(chance, LATIN)
        patient.header = patient_header(patient, chance)
        latest = FIRST + timedelta(days=chance.randrange(900))
        for place in range(chance.choice((1, 1, 2, 2, 3, 4))):
            patient.studies.append(self._study(patient, f"{number}.{place}", latest, is_hard))
            latest += timedelta(days=chance.choice((1, 7, 28, 90, 91, 365, chance.randint(2, 600))))
            if latest > LAST:
                break
        # if a physician is named White or Black, the correct result for the value is undefined
        if patient.other_names & set(tokens(patient.header.get("EthnicGroup", ""))):
            del patient.header["EthnicGroup"]
        self._write(patient)
        return patient

    def stranger(self, number: int) -> Patient:
        """Return a patient with one study that has no series and no texts yet."""
        patient = Patient(
            person(self.chance, ("pl_PL", "tr_TR", "it_IT")), f"ZQXV{88_000 + number}",
            None, date(1931 + number % 7, 2, 3), {},
        )  # fmt: skip
        patient.header = patient_header(patient, self.chance)
        study = self._study(
            patient, f"stranger {number}", date(2009 + number % 6, 6, 7), is_hard=False
        )
        study.series.clear()
        # only identifiers; the rest of a header does not affect texts and takes time
        study.header = {
            attribute: value for attribute, value in study.header.items()
            if attribute.endswith(("Name", "Physician", "Number", "Date", "ID", "UID"))
            or attribute in ("Modality", "InstitutionAddress", "Manufacturer")
        }  # fmt: skip
        patient.studies.append(study)
        return patient

    def _patient_id(self, number: int) -> str:
        value = (
            10_000 + (number * 7_919 + self.seed) % 900_000
        )  # distinct, and never equal to a year
        forms: tuple[Callable[[], str], ...] = (
            lambda: f"{value:08d}", lambda: f"{value * 10 + 3}", lambda: f"MRN-{value}",
            lambda: f"KH{value}", lambda: f"E{value}X", lambda: f"{value // 100:04d}-{value}",
            lambda: f"pid{value}", lambda: f"{value:010d}", lambda: f"12-{value}-8",
        )  # fmt: skip
        return forms[number % len(forms)]()

    def _same_number(self, patient: Patient, earlier: Patient) -> None:
        """Give a patient the number of the earlier one, with another issuer or in another case."""
        if earlier.id.swapcase() != earlier.id:
            patient.id, patient.issuer = earlier.id.swapcase(), earlier.issuer
        else:
            patient.id, patient.issuer = earlier.id, f"{earlier.issuer or ''}2"

    def _device(self, site: Institution, modality: str, maker: str = "") -> Device:
        chance = self.chance
        manufacturer, model = chance.choice(
            [m for m in MODELS[modality] if maker.lower() in m[0].lower()] or MODELS[modality]
        )
        prefix = "".join(c for c in site.city if c.isascii() and c.isalpha()).upper()[:4] or "RAD"
        station = chance.choice((f"{prefix}{modality}{chance.randint(1, 9)}",
                                 f"{modality}_{prefix}_0{chance.randint(1, 9)}",
                                 f"{prefix}-{chance.randint(100, 999)}"))  # fmt: skip
        version = f"VB{chance.randint(10, 40)}A"
        serial = str(chance.randint(10_000, 9_999_999))
        return Device(manufacturer, model, serial, station, version, site)

    def _study(self, patient: Patient, place: str, when: date, is_hard: bool) -> Study:
        chance = self.chance
        modality = chance.choice(MODALITIES)
        device = chance.choice(self.devices[modality])
        if is_hard:  # a separate device, so that its row is not shared with another patient
            device = self._device(device.institution, modality, patient.who.family)
        accession = chance.choice(("A", "", "RA-", "ACC", "00")) + str(
            1_000_000 + int(hashlib.sha256(place.encode()).hexdigest(), 16) % 8_999_999
        )
        people = {kind: person(chance, LATIN) for kind in PHYSICIANS}
        clock = time(chance.randint(7, 19), chance.randint(0, 59), chance.randint(0, 59))
        study = Study(uid(self.seed, place), modality, when, clock, device, accession, people, {})
        study.header = study_header(patient, study, chance)
        for number in range(1, chance.randint(2, 6)):
            study.series.append(self._series(patient, study, f"{place}.{number}", number))
        return study

    def _series(self, patient: Patient, study: Study, place: str, number: int) -> Series:
        chance = self.chance
        series = Series(uid(self.seed, place), {"SeriesNumber": number})
        frame = uid(self.seed, study.uid, "frame", number // 2)
        series.header["FrameOfReferenceUID"] = frame
        series.header["BodyPartExamined"] = chance.choice(BODY_PARTS[study.modality])
        family = patient.who.family.upper()
        if family in ("HAND", "HEAD", "CHEST", "HIP", "KNEE", "BRAIN", "NECK"):
            series.header["BodyPartExamined"] = family
        for image in range(2 if chance.random() < 0.08 else 1):
            name = uid(self.seed, place, image)
            header = image_header(study, number, image, chance)
            path = f"{place.split('.')[0]}/{place}.{image}.dcm"
            series.images.append(Image(name, image + 1, path, header))
        if len(series.images) > 1 or study.series:
            earlier = study.series[-1].images[0] if study.series else series.images[0]
            series.images[-1].refers_to = earlier.uid
        return series

    def _write(self, patient: Patient) -> None:
        """Write the texts of all levels."""
        own, others = patient.own_names, patient.other_names
        chance, deck = self.chance, self.deck

        def texts(
            wanted: tuple[tuple[str, str, float], ...], subject: Subject, modality: str
        ) -> dict[str, list[Text]]:
            found: dict[str, list[Text]] = {}
            for attribute, use, share in wanted:
                if chance.random() >= share:
                    continue
                several = 2 if attribute in SEVERAL and chance.random() < 0.3 else 1
                dealt = [deck.deal(use, modality, subject) for _ in range(several)]
                given = [split_names(text, own, others) for text in dealt if text]
                if given:
                    found[attribute] = given
            return found

        def single(found: dict[str, list[Text]]) -> dict[str, Text]:
            return {attribute: given[0] for attribute, given in found.items()}

        everywhere = Subject(patient, None, chance, institutions(), deck.harmless)
        assert everywhere.kinds <= PATIENT_KINDS
        patient.texts = texts(PATIENT_TEXTS, everywhere, "")
        for study in patient.studies:
            subject = Subject(patient, study, chance, institutions(), deck.harmless)
            study.texts = texts(STUDY_TEXTS, subject, study.modality)
            if chance.random() < 0.004:
                study.texts["StudyComments"] = [self._long(subject, own, others)]
            for series in study.series:
                series.texts = single(texts(SERIES_TEXTS, subject, study.modality))
                if chance.random() < 0.2 and (dealt := deck.deal("request", "", subject)):
                    series.request = split_names(dealt, own, others)
                for image in series.images:
                    image.texts = single(texts(IMAGE_TEXTS, subject, study.modality))

    def _long(self, subject: Subject, own: frozenset[str], others: frozenset[str]) -> Text:
        """Return a text of about 10,000 characters."""
        parts: list[Part] = []
        length = 0
        while length < 9_900:
            dealt = self.deck.deal("comment", "", subject)
            if dealt is None or dealt.held_out or dealt.group != "core":
                continue
            parts += [*split_names(dealt, own, others).parts, Part(" ", Role.EITHER)]
            length = sum(len(part.text) for part in parts)
        return Text(tuple(parts), "long", "core", held_out=False)


def all_tokens(patient: Patient) -> frozenset[str]:
    """Return every token that a cleaner may treat as an identifier of the patient."""
    found = set(patient.own_names | patient.other_names)
    texts = [patient.id, patient.issuer or "", patient.other_id, patient.phone, patient.address]
    for study in patient.studies:
        site = study.device.institution
        texts += [study.accession, site.name, site.department, site.address, study.device.station,
                  site.acronym, study.device.serial,
                  str(study.header.get("StudyID", ""))]  # fmt: skip
    found |= {token for text in texts for token in tokens(text) if len(token) > 2}
    return frozenset(found | {str(year) for year in patient.years})
