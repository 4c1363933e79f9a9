"""Patients with an identifier that is an ordinary token of the tables do not stop publication.

The leak check compares every text of a patient's rows with the patient's terms. Text that the
pipeline itself writes (units of ages, UIDs of the standard, names of columns, hashes) is not a
leak, and text from the patient's files must be removed before instead of stopping publication.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.support.dicom import dataset, encoded

from .sweeping import SweptSite

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def request() -> Sequence:
    item = Dataset()
    item.RequestedProcedureDescription = "Knee"
    item.ScheduledProcedureStepStartDate = "20120304"
    return Sequence([item])


PATIENTS: dict[str, dict[str, Any]] = {
    "an identifier that stands in UIDs": {"PatientID": "840"},
    "another one": {"PatientID": "10008"},
    "an identifier that is the age": {"PatientID": "043", "PatientAge": "043Y"},
    "an identifier that stands in character sets": {"PatientID": "192"},
    "an identifier that is a tag": {
        "PatientID": "00400007",
        "RequestAttributesSequence": request(),
    },
    "a name that is a value representation": {
        "PatientName": "Lo^Da",
        "RequestAttributesSequence": request(),
    },
    "a name that is a word of JSON": {
        "PatientName": "Value^Vr",
        "RequestAttributesSequence": request(),
    },
    "a name that is a modality": {"PatientName": "Ct^Ann", "Modality": "CT"},
    "names that are codes": {"PatientName": "Original^Primary"},
    "a name that is a marker": {"PatientName": "Removed^Ann", "StudyDescription": "CT Xyzzyqx"},
    "a name that is a column": {"PatientName": "Size^Weight", "PatientSize": "1.7"},
    "a birth date as an ethnic group": {
        "PatientBirthDate": "19371123",
        "EthnicGroup": "23.11.1937",
    },
    "a name as an ethnic group": {"PatientName": "Qorvane^Zilda", "EthnicGroup": "Qorvane"},
    "a study date as a release": {"SoftwareVersions": "04.03.2012"},
    "a birth date with gaps": {
        "PatientBirthDate": "19371123",
        "StudyDescription": "CT 23. 11. 1937",
    },
} | {
    # two letters that occur in hexadecimal hashes
    f"a name in hashes: {a}{b}": {"PatientName": f"{a}{b}".title(), "StudyDate": f"20{n:02}0215"}
    for n, (a, b) in enumerate(product("abcdef", repeat=2))
}


def test_identifiers_that_are_ordinary_words_do_not_stop_publication(tmp_path: Path) -> None:
    site = SweptSite(tmp_path)
    for number, attributes in enumerate(PATIENTS.values()):
        own = {
            "PatientID": f"P-{number}-Q", "StudyInstanceUID": f"1.2.826.0.1.3680043.7743.{number}",
            "SeriesInstanceUID": f"1.2.826.0.1.3680043.7743.{number}.1",
            "InstanceNumber": str(number), "StudyDescription": "CT Knee",
        }  # fmt: skip
        file = encoded(dataset(number, **(own | attributes)))
        (site.landing / f"{number}.dcm").write_bytes(file)
    # two studies of one patient: the text of the second contains the date of the first
    for day, text in (
        ("20090314", "CT"),
        ("20120314", "CT 14. 3. 2009"),
        ("20120315", "CT 3/2009"),
    ):
        own = {
            "PatientID": "TWO", "StudyInstanceUID": f"1.2.826.0.1.3680043.7744.{day}",
            "SeriesInstanceUID": f"1.2.826.0.1.3680043.7744.{day}.1", "InstanceNumber": day,
            "StudyDate": day, "StudyDescription": text,
        }  # fmt: skip
        (site.landing / f"{day}.dcm").write_bytes(encoded(dataset(day, **own)))
    site.run()
    [(images, classes, syntaxes)] = site.ask(
        "select count(*), count(sop_class_uid), count(transfer_syntax_uid)"
        " from processed.processed_images"
    )
    assert images == len(PATIENTS) + 3
    assert classes == syntaxes == images
    assert site.ask(
        "select count(*) from processed.processed_studies where study_description = 'CT Knee'"
    ) == [(len(PATIENTS) - 3,)]
    assert site.ask("select count(*) from processed.processed_patients") == [(len(PATIENTS) + 1,)]
    # four digits can occur in hashes by chance
    hashed = "study_key, patient_key, patient_id, study_instance_uid"
    texts = str(site.ask(f"select * exclude ({hashed}) from processed.processed_studies"))
    assert "CT [removed]" in texts
    assert "1937" not in texts
    assert "14. 3." not in texts
