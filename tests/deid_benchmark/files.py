"""Write the archive as DICOM files.

Belongs here: data sets and their encoding.
Does not belong here: their values.
"""

from __future__ import annotations

import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pydicom.config
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from .archive import Image, Patient, Series, Study, images
from .headers import SOP_CLASSES
from .texts import Text

Texts = dict[str, Text] | dict[str, list[Text]]


def dataset(patient: Patient, study: Study, series: Series, image: Image) -> Dataset:
    """Return the data set of a file."""
    return _of_image(_of_study(patient, study), study, series, image)


def _of_study(patient: Patient, study: Study) -> Dataset:
    """Return the elements common to all files of a study; cached, because pydicom is slow."""
    made = _made(patient.header | study.header, patient.texts, study.texts)
    made.SpecificCharacterSet = _character_set(patient, study)
    return made


def _of_image(common: Dataset, study: Study, series: Series, image: Image) -> Dataset:
    made = Dataset()
    made.update(common)
    values = {"SeriesInstanceUID": series.uid, "SOPInstanceUID": image.uid}
    made.update(_made(values | series.header | image.header, series.texts, image.texts))
    if image.refers_to:
        reference = Dataset()
        reference.ReferencedSOPClassUID = SOP_CLASSES[study.modality]
        reference.ReferencedSOPInstanceUID = image.refers_to
        made.ReferencedImageSequence = [reference]
    if series.request:
        request = Dataset()
        request.StudyInstanceUID = study.uid
        request.AccessionNumber = study.accession
        request.RequestedProcedureDescription = series.request.value
        request.RequestedProcedureID = "RP1"
        made.RequestAttributesSequence = [request]
    return made


def _character_set(patient: Patient, study: Study) -> str:
    """Return Latin-1 for every third study that it can encode, because archives have both."""
    text = "".join(map(str, (patient.header, patient.texts, study)))
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return "ISO_IR 192"
    return "ISO_IR 100" if len(text) % 3 == 0 else "ISO_IR 192"


def _made(values: dict[str, Any], *levels: Texts) -> Dataset:
    made = Dataset()
    for texts in levels:
        for attribute, given in texts.items():
            several = given if isinstance(given, list) else [given]
            written = [text.value for text in several]
            values[attribute] = written if len(written) > 1 else written[0]
    for attribute, value in values.items():
        if value is not None:
            setattr(made, attribute, value)
    return made


def _write_some(folder: Path, patients: list[Patient]) -> int:
    pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
    warnings.filterwarnings("ignore", module="pydicom")
    written = 0
    of_study: tuple[Study | None, Dataset] = None, Dataset()
    for patient, study, series, image in images(patients):
        if of_study[0] is not study:
            of_study = study, _of_study(patient, study)
        made = _of_image(of_study[1], study, series, image)
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = made.SOPClassUID
        meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        made.file_meta = meta
        path = folder / image.path
        path.parent.mkdir(parents=True, exist_ok=True)
        dcmwrite(path, made, enforce_file_format=True)
        written += 1
    return written


def write(folder: Path, patients: list[Patient]) -> int:
    """Write all files of some patients and return their number."""
    shares = [patients[start : start + 50] for start in range(0, len(patients), 50)]
    with ProcessPoolExecutor(min(len(shares) or 1, os.cpu_count() or 1)) as pool:
        return sum(pool.map(partial(_write_some, folder), shares))
