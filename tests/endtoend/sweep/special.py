"""Patients whose names are ordinary words, or who are difficult to publish for other reasons.

Each has a study with one image, identified in the published file by its instance number. The
expected removed tokens and cells are given by hand.

Belongs here: these patients, and the expected result for each.
Does not belong here: made-up identifiers of the byte search (files).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom.config import disable_value_validation

from tests.support.dicom import dataset, encoded

FIRST_NUMBER = 70001  # first instance number, distinct from those of the sweep


@dataclass(frozen=True)
class Patient:
    """A patient: attributes, tokens that no text may contain, and expected cells."""

    attributes: dict[str, Any]
    removed_tokens: tuple[str, ...] = ()
    cells: dict[str, Any] = field(default_factory=dict)


def _long(sentence: str) -> str:
    return (sentence * (10_000 // len(sentence) + 1))[:10_000]


SPECIALS: dict[str, Patient] = {
    "a patient named Hand": Patient(
        {
            "PatientName": "Hand^Alice", "BodyPartExamined": "HAND", "Modality": "MR",
            "StudyDescription": "MR Hand links", "SeriesDescription": "Hand, Alice AP",
            "ProtocolName": "HandAP", "PatientComments": "Mrs. Hand has pain in the hand",
        },
        ("alice", "hand"),
        {"body_part_examined": "HAND", "study_description": "MR [removed] links"},
    ),
    "somebody else with a hand": Patient(
        {
            "PatientName": "Qvarm^Zelda", "BodyPartExamined": "HAND", "Modality": "MR",
            "StudyDescription": "MR Hand links", "SeriesDescription": "Page 1 Philips",
        },
        ("qvarm", "zelda"),
        {
            "body_part_examined": "HAND", "study_description": "MR Hand links",
            "series_description": "Page 1 Philips",
        },
    ),
    "a patient named Li": Patient(
        {
            "PatientName": "Li^Wei", "StudyDescription": "CT Thorax Li Wei",
            "SeriesDescription": "Thorax LI", "PatientComments": "li: Thorax, W. Li, Li's knee",
        },
        ("li", "wei"),
        {"study_description": "CT Thorax [removed]"},
    ),
    "a name of one Chinese character": Patient(
        {
            "PatientName": "李^伟", "StudyDescription": "CT Thorax 李", "SeriesDescription": "李伟",
            "ProtocolName": "Thorax李", "PatientComments": "李 CT",
        },
        ("李", "伟"),
        {"study_description": "CT Thorax [removed]"},
    ),
    "a name of one Korean character": Patient(
        {
            "PatientName": "Kim^Su=김^수", "StudyDescription": "CT 김 Thorax",
            "SeriesDescription": "김수CT",
        },
        ("kim", "su", "김", "수"),
        {"study_description": "CT [removed] Thorax"},
    ),
    "a patient named Page": Patient(
        {
            "PatientName": "Page^Jane", "StudyDescription": "CT Thorax Page",
            "SeriesDescription": "PAGE 1", "ProtocolName": "CTPage",
        },
        ("page", "jane"),
        {"study_description": "CT Thorax [removed]"},
    ),
    "a patient named Philips": Patient(
        {
            "PatientName": "Philips^Anna", "Manufacturer": "Philips", "DeviceSerialNumber": "1",
            "ManufacturerModelName": "Ingenia", "StudyDescription": "MR Philips Knee",
        },
        ("philips", "anna"),
        {"manufacturer": "Philips", "study_description": "MR [removed] Knee"},
    ),
    "a patient named Mr Ct": Patient(
        {"PatientName": "Ct^Mr", "Modality": "MR", "StudyDescription": "MR CT Knee"},
        ("ct",),
        {"modality": "MR"},
    ),
    "a pseudonym of a research archive": Patient(
        {
            "PatientName": "Breast_MRI_001", "PatientID": "Breast_MRI_001", "Modality": "MR",
            "StudyDescription": "MRI Breast bilateral", "SeriesDescription": "Breast_MRI_001 ax",
        },
        ("001",),
        {"study_description": "MRI Breast bilateral", "modality": "MR"},
    ),
    "comments of 10,000 characters": Patient(
        {
            "PatientName": "Qorvane^Zilda", "PatientID": "QR-55512",
            "PatientComments": _long("Thorax of Zilda Qorvane, QR-55512, born 11/23/1937. "),
            "ImageComments": _long("QorvaneZildaQR55512"),
        },
        ("qorvane", "zilda", "55512", "1937"),
    ),
    "five components and three groups": Patient(
        {
            "PatientName": "Yamadaqx^Tarouqx^Jirouqx^Dr^III=山田^太郎^次郎^博士^三世"
            "=やまだ^たろう^じろう",
            "StudyDescription": "CT Yamadaqx 山田太郎", "SeriesDescription": "やまだ たろう Thorax",
            "PatientComments": "Dr Jirouqx Yamadaqx III, 山田, 次郎, じろう",
        },
        ("yamadaqx", "tarouqx", "jirouqx", "山田", "太郎", "次郎", "やまだ", "たろう", "じろう"),
    ),
    "an identifier in small letters": Patient({"PatientID": "abC-9", "PatientName": "Qa^Qb"}),
    "an identifier in capitals": Patient({"PatientID": "ABC-9", "PatientName": "Qc^Qd"}),
    "the same with padding": Patient({"PatientID": " ABC-9 ", "PatientName": "Qc^Qd"}),
    "an identifier with zeros": Patient(
        {"PatientID": "00047113", "PatientName": "Qe^Qf", "StudyDescription": "CT 47113 Knee"},
        ("47113", "00047113"),
        {"study_description": "CT [removed] Knee"},
    ),
    "a short identifier": Patient(
        {"PatientID": "4711", "PatientName": "Qg^Qh", "StudyDescription": "CT 4711 Knee 20"},
        ("4711",),
        {"study_description": "CT [removed] Knee 20"},
    ),
    "a patient without an identifier": Patient(
        {"PatientID": None, "PatientName": "Qumbert^Xenia", "StudyDescription": "CT Qumbert Knee"},
        ("qumbert", "xenia"),
        {"study_description": "CT [removed] Knee", "patient_id": None},
    ),
    "an age of 99 years": Patient({"PatientAge": "099Y"}, (), {"patient_age": "090Y"}),
    "an age of 1200 months": Patient({"PatientAge": "1200M"}, ("1200",), {"patient_age": None}),
    "an age that is none": Patient({"PatientAge": "abc"}, ("abc",), {"patient_age": None}),
    "an age of 89 years": Patient({"PatientAge": "089Y"}, (), {"patient_age": "089Y"}),
}  # fmt: skip


def number_of(name: str) -> int:
    """Return the instance number of the image of a patient."""
    return FIRST_NUMBER + list(SPECIALS).index(name)


def put_specials(landing: Path) -> None:
    """Write one file per patient."""
    for name, special in SPECIALS.items():
        number = number_of(name)
        own = {
            "PatientID": f"SP-{number}", "PatientName": f"Special^{number}",
            "StudyDescription": "CT", "DeviceSerialNumber": str(number),
            "StudyInstanceUID": f"1.2.826.0.1.3680043.7742.{number}",
            "SeriesInstanceUID": f"1.2.826.0.1.3680043.7742.{number}.1",
            "SOPInstanceUID": f"1.2.826.0.1.3680043.7742.{number}.1.1",
            "InstanceNumber": str(number), "StudyDate": "20120304",
        }  # fmt: skip
        with disable_value_validation():
            content = encoded(dataset(number, **(own | special.attributes)))
        (landing / f"special {number}.dcm").write_bytes(content)
