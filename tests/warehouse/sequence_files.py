"""Sequences for tests as extraction writes them: made by pydicom, read by the project's reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.mapping.attribute_mapping import parse_attribute_path
from tests.support.dicom import WHEEL, dataset, encoded

Who = dict[str, str]


@dataclass
class InMemory(OpenFile):
    """An open file in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]

    def close(self) -> None:
        pass


def item(**attributes: Any) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def code(value: str, scheme: str, meaning: str) -> Dataset:
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def extracted(keyword: str, data: bytes) -> str:
    header = PydicomReader([parse_attribute_path(keyword)]).read(InMemory(data))
    assert header.unreadable_values == 0 and header.values[0]
    return header.values[0]


def sequence(keyword: str, *items: Dataset) -> dict[str, str]:
    """Return a sequence as an attribute of a file of the raw zone."""
    return {keyword: extracted(keyword, encoded(dataset(**{keyword: list(items)})))}


CT = "1.2.840.10008.5.1.4.1.1.2"
DOE = {
    "PatientName": "Doe^John^Allan",
    "PatientID": "MRN-4711",
    "AccessionNumber": "A7654321",
    "StudyDate": "20120304",
    "ReferringPhysicianName": "Brainard^Vera",
}
HAND = {"PatientName": "Hand^Page", "PatientID": "77-H"}
IMAGES, GROUPS = "ReferencedImageSequence", "SharedFunctionalGroupsSequence"

HOSTILE = 'Doe"]},\r\n{"00100010": {"vr": "LO", "Value": ["\\chest\t'
REFERENCE = item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID="1.2.840.500.1.2")
# files of the raw zone: the patient and the sequence
FILES: dict[str, tuple[Who, dict[str, str]]] = {
    "values": (
        DOE,
        sequence(
            GROUPS,
            item(
                StudyDate="20120304",
                AcquisitionDateTime="20120304101112.5+0100",
                ContentDate="19700101",
                SeriesDate="201203",
                StudyTime="101112",
                AccessionNumber="A7654321",
                RetrieveAETitle="DOESTATION",
                StationName="DOE-ROOM",
                SeriesDescription="Chest of Doe, axial",
                RetrieveURL="https://doe.example.org/",
                PatientName="Doe^John=李^娜",
                PatientID="MRN-4711",
                PatientBirthDate="19460731",
                PatientAge="095Y",
                BodyPartExamined="CHEST",
                Laterality="left of Doe",
                Rows=512,
                PixelSpacing=["0.50", "0.75"],
                ReferencedFrameNumber=[1, 2],
                FunctionalGroupPointer=0x00289110,
                FrameComments="J. Doe: 2 views",
                RequestedProcedureID="RP-4711",
            ),
        ),
    ),
    "codes": (
        DOE,
        sequence(
            GROUPS,
            code("T-D3000", "SRT", "Chest"),
            code("51185008", "SCT", "Chest of John Doe"),
            code("DOE", "SCT", "Chest"),
            code("20120304", "SCT", "Chest"),
            code("4711DOE", "99DOECLINIC", "axial"),
            code("mm", "UCUM", "mm"),
        ),
    ),
    "hand": (
        HAND,
        sequence(
            GROUPS,
            item(BodyPartExamined="HAND", ImageType=["ORIGINAL", "PRIMARY", "HAND", "PAGE 1"]),
            item(Laterality="HAND"),
        ),
    ),
    "hostile": (DOE, sequence(GROUPS, item(FrameComments=HOSTILE, Rows=1), item(Rows=2))),
    "nested": (
        DOE,
        sequence(
            GROUPS,
            item(
                RelatedSeriesSequence=[
                    item(
                        StudyInstanceUID="1.2.840.500",
                        PurposeOfReferenceCodeSequence=[code("113691", "DCM", "Doe")],
                    ),
                    item(),
                ],
                Rows=512,
                OperatorIdentificationSequence=[
                    item(
                        InstitutionName="Doe Clinic",
                        PersonIdentificationCodeSequence=[code("1", "DCM", "Brainard")],
                        InstitutionCodeSequence=[code("2", "DCM", "Clinic")],
                        Columns=1,
                    ),
                    item(Columns=2),
                ],
            ),
            item(),
            item(OperatorIdentificationSequence=[item(Rows=3)], ReferencedPatientSequence=[]),
        ),
    ),
    "uids": (DOE, sequence(IMAGES, REFERENCE)),
    "more uids": (
        DOE,
        sequence(
            IMAGES,
            item(
                RelatedGeneralSOPClassUID=["1.2.840.10008.1.2", "1.2.840.9", "1.2.x"],
                ReferencedSOPInstanceUID=f"{CT}.20120304.1",
            ),
        ),
    ),
    "same text": (HAND, sequence(IMAGES, REFERENCE)),
    "many": (DOE, sequence(IMAGES, *[item(ReferencedFrameNumber=n) for n in range(10_000)])),
    "multi-frame": (
        DOE,
        {GROUPS: extracted(GROUPS, (WHEEL / "test_files/liver_1frame.dcm").read_bytes())},
    ),
}
BROKEN = {
    "no json": "[\n{\n}\n",
    "another form of it": '[{"00280010": {"vr": "US", "Value": [512]}}]',
    "a line too many": '[\n{\n"00280010": {"vr": "US", "Value": [512]},\n"x": 1\n}\n]',
    "a name beside": '[\n{\n"00280010": {"vr": "US", "x": "Doe", "Value": [512]}\n}\n]',
    "indented": '[\n{\n "00280010": {"vr": "US", "Value": [512]}\n}\n]',
    "an end too early": '[\n{\n}\n]}\n]',
    "empty": "[\n]",
    "text": "Doe",
}  # fmt: skip
TAMPERED = {
    "member behind": '"00280010": {"vr": "US", "Value": [512], "x": ["Doe"]}',
    "name for a number": '"00280010": {"vr": "US", "Value": ["Doe"]}',
    "number and name": '"00280010": {"vr": "US", "Value": [512, "Doe"]}',
    "digits as text": '"00280010": {"vr": "IS", "Value": ["20120304"]}',
    "object": '"0008103E": {"vr": "LO", "Value": [{"Alphabetic": "Doe"}]}',
    "name for a uid": '"00081155": {"vr": "UI", "Value": ["Doe"]}',
    "unknown vr": '"00080050": {"vr": "ZZ", "Value": ["Doe"]}',
    "binary": '"00720065": {"vr": "OB", "Value": ["Doe"]}',
    "name for a tag": '"00209165": {"vr": "AT", "Value": ["Doe"]}',
    "escaped": '"0008103E": {"vr": "LO", "Value": ["\\u0044oe \\u0044\\u006fe"]}',
}
