"""Series of made-up images: attributes that all images share, and those that differ.

Belongs here: plausible headers of five modalities and four vendors, long and short, by seed.
Does not belong here: encoding and files (corpus), and timed code.

All people are made up. A series is determined by its kind, seed and number, so a small corpus
equals the beginning of a large one.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
)

from .header_values import add_sequences, of_equipment, of_modality, of_patient, of_study
from .private_elements import add_private

KINDS = ("realistic", "short")
FEWEST, MOST = 20, 200  # number of images in a series
FEWEST_ELEMENTS, MOST_ELEMENTS = 160, 230
MONTHS = 120
_FIRST = date(2010, 1, 1)
_SYNTAXES = (ExplicitVRLittleEndian,) * 6 + (ImplicitVRLittleEndian,) * 2 + (
    JPEGLosslessSV1, JPEG2000Lossless, RLELossless,
)  # fmt: skip
_SOP_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128", "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "XA": "1.2.840.10008.5.1.4.1.1.12.1",
}  # fmt: skip
_MODALITIES = ("CT", "CT", "CT", "MR", "MR", "MR", "PT", "US", "XA")
_DEVICES = {
    "SIEMENS": ("SOMATOM Definition AS+", "Skyra", "Biograph 64"),
    "GE MEDICAL SYSTEMS": ("LightSpeed VCT", "DISCOVERY MR750w", "Discovery STE"),
    "Philips Medical Systems": ("Brilliance 64", "Ingenia", "GEMINI TF"),
    "TOSHIBA": ("Aquilion ONE", "Titan", "Aplio 500"),
}
# character sets and names that require them
_PEOPLE: tuple[tuple[str | list[str] | None, tuple[str, ...]], ...] = (
    (None, ("Testmann^Erika", "Probe^Otto", "Sample^Jane^Q", "Nemo^Max")),
    ("ISO_IR 100", ("Müstermann^Jörg", "Échantillon^Zoé", "Prøve^Åse", "Muestra^Íñigo")),
    ("ISO_IR 192", ("Próba^Łucja", "Örnek^Işıl", "Δείγμα^Νίκη", "Thử^Nghiệm")),
    ("ISO_IR 144", ("Образцов^Проба", "Примерова^Тест")),
    (["", "ISO 2022 IR 87"], ("Mihon^Tarou=見本^太郎=みほん^たろう",)),
    ("GB18030", ("Yangben^Xiao=样本^小",)),
)
_CHARACTER_SETS = (0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5)


@dataclass(frozen=True)
class Series:
    """Common attributes of the images of a series.

    Attributes
    ----------
    folder
        Folder of its files.
    count
        Number of images.
    common
        The data set, with the values of the first image for attributes that differ.
    """

    kind: str
    seed: int
    number: int
    folder: str
    count: int
    syntax: str
    month: str
    common: Dataset

    def changes(self, image: int) -> dict[str, Any]:
        """Return the values of an image (counted from 0) that differ from those of its series."""
        return _changes(self, image)


def images_of(kind: str, seed: int, number: int) -> int:
    """Return the number of images of a series without generating it."""
    return _chance("count", kind, seed, number).randint(FEWEST, MOST)


def day_of(kind: str, seed: int, number: int) -> date:
    """Return the Study Date of a series without generating the series."""
    chance = _chance("day", kind, seed, number // 3)
    return _FIRST + timedelta(days=chance.randrange(MONTHS * 30))


def series(kind: str, seed: int, number: int, *, day: date | None = None) -> Series:
    """Generate a series; a given day replaces its study date."""
    chance = _chance("series", kind, seed, number)
    day = day or day_of(kind, seed, number)
    study = _chance("study", kind, seed, number // 3)
    modality = study.choice(_MODALITIES)
    vendor = study.choice(sorted(_DEVICES))
    syntax = chance.choice(_SYNTAXES)
    made = Dataset()
    values = _short(study, chance, number, day, modality, vendor)
    if kind == "realistic":
        values |= of_patient(study) | of_study(study, chance) | of_equipment(chance)
        values |= of_modality(modality, chance)
    uid = f"2.25.{_chance('uid', kind, seed, number // 3).getrandbits(100)}"
    values |= {
        "StudyInstanceUID": uid,
        "SeriesInstanceUID": f"{uid}.{number % 3 + 1}",
        "FrameOfReferenceUID": f"{uid}.{number % 3 + 1}.0",
    }
    for keyword, value in values.items():
        setattr(made, keyword, value)
    folder = f"{made.PatientID}/{day:%Y%m%d}/{number:07d}"
    count = images_of(kind, seed, number)
    result = Series(kind, seed, number, folder, count, syntax, f"{day:%Y-%m}", made)
    for keyword, value in result.changes(0).items():
        setattr(made, keyword, value)
    if kind == "realistic":
        add_sequences(made, study, chance)
        wanted = chance.randint(FEWEST_ELEMENTS, MOST_ELEMENTS)
        add_private(made, vendor, wanted - len(made) - 1, chance)  # one element is the pixel data
    return result


def _chance(*seeds: object) -> random.Random:
    return random.Random("/".join(map(str, seeds)))


def _short(
    study: random.Random, chance: random.Random, number: int, day: date, modality: str, vendor: str
) -> dict[str, Any]:
    character_set, names = _PEOPLE[study.choice(_CHARACTER_SETS)]
    values: dict[str, Any] = {
        "ImageType": ["ORIGINAL", "PRIMARY", chance.choice(("AXIAL", "M", "LOCALIZER"))],
        "SOPClassUID": _SOP_CLASSES[modality],
        "StudyDate": f"{day:%Y%m%d}", "SeriesDate": f"{day:%Y%m%d}",
        "AcquisitionDate": f"{day:%Y%m%d}", "ContentDate": f"{day:%Y%m%d}",
        "StudyTime": f"{study.randrange(7, 19):02d}{study.randrange(60):02d}13.250000",
        "SeriesTime": f"{chance.randrange(7, 19):02d}{chance.randrange(60):02d}41",
        "AccessionNumber": f"A{study.randrange(10**7)}",
        "Modality": modality, "Manufacturer": vendor,
        "ManufacturerModelName": study.choice(_DEVICES[vendor]),
        "InstitutionName": study.choice(("Bench Clinic", "Speed General", "Klinik am Prüfstand"))
        if character_set in ("ISO_IR 100", "ISO_IR 192") else "Bench Clinic",
        "ReferringPhysicianName": study.choice(("Doctor^Some", "Referrer^Ann")),
        "StudyDescription": study.choice(("CHEST ROUTINE", "Brain w/o contrast", "ABD PEL W CON")),
        "SeriesDescription": chance.choice(("AX 5.0 B30f", "t1_mprage_sag 1mm", "COR T2 FS")),
        "PatientName": study.choice(names), "PatientID": f"B{study.randrange(10**6):06d}",
        "PatientBirthDate": f"19{study.randrange(30, 99)}0{study.randrange(1, 9)}17",
        "PatientSex": study.choice("FMO"), "StudyID": str(study.randrange(10**4)),
        "SeriesNumber": str(number % 3 + 1), "Rows": 512, "Columns": 512,
        "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16, "BitsStored": 12, "HighBit": 11,
        "PixelRepresentation": int(modality == "CT"),
        "ImageOrientationPatient": chance.choice((
            ["1", "0", "0", "0", "1", "0"],
            ["0.99921053", "-0.0291832", "0.02707412", "0.0304191", "0.99846211", "-0.046421"],
        )),
        "PixelSpacing": [f"{chance.uniform(0.3, 1.2):.7g}"] * 2,
        "SliceThickness": chance.choice(("5", "1.25", "3.0", "0.625")),
    }  # fmt: skip
    if character_set is not None:
        values["SpecificCharacterSet"] = character_set
    return values


def _changes(series: Series, image: int) -> dict[str, Any]:
    chance = _chance("image", series.kind, series.seed, series.number, image)
    common = series.common
    step = float(common.SliceThickness)
    z = chance.uniform(-0.001, 0.001) + step * image - 240
    seconds = int(image * 1.7)
    clock = f"{10 + seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"
    clock += f".{chance.randrange(10**6):06d}"
    modality = str(common.Modality)
    center = chance.randint(-600, 900)
    changes: dict[str, Any] = {
        "SOPInstanceUID": f"{common.SeriesInstanceUID}.{image + 1}",
        "InstanceNumber": str(image + 1),
        "ImagePositionPatient": ["-174.6582", f"{-151 - z / 50:.6g}", f"{z:.9g}"],
        "SliceLocation": f"{z:.7g}",
        "AcquisitionTime": clock,
        "ContentTime": clock,
        "WindowCenter": str(center) if modality != "MR" else [str(center), str(center + 40)],
        "WindowWidth": str(2 * center + 1300) if modality != "MR" else ["409", str(900 + center)],
    }
    if series.kind == "realistic":
        changes["InstanceCreationTime"] = clock
        if modality == "CT":
            changes["XRayTubeCurrent"] = str(chance.randint(60, 400))
            changes["Exposure"] = str(chance.randint(30, 300))
        if modality in ("MR", "PT"):
            changes["SmallestImagePixelValue"] = chance.randrange(9)
            changes["LargestImagePixelValue"] = chance.randint(200, 4000)
        if modality == "PT":
            changes["FrameReferenceTime"] = f"{chance.uniform(1, 9e5):.6f}"
            changes["ImageIndex"] = image + 1
    return changes
