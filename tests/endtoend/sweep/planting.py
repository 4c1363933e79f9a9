"""Headers in which every attribute that can contain an identifier contains one.

Belongs here: data sets: mapped attributes by their meaning, other attributes of the dictionary by
their value representation, sequences, private elements, the file meta group.
Does not belong here: the patients (people), broken files and files with unusual names (files).
"""

from __future__ import annotations

import io
from functools import cache
from itertools import count
from typing import Any

import pydicom
from pydicom.charset import convert_encodings, encode_string
from pydicom.datadict import DicomDictionary, dictionary_VM, dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from dicom_pipeline.mapping.attribute_mapping import load_mapping
from tests.support.dicom import SYNTAXES

from .needles import Maker
from .people import Person

CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
    "SR": "1.2.840.10008.5.1.4.1.1.88.11",
}
MISUSING = ("english", "german", "chinese")
TEXT_VRS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})
_NUMBERS = {
    "PatientSize": "1.7", "PatientWeight": "70", "Rows": 512, "Columns": 512,
    "ImagePositionPatient": ["1", "2", "3"], "PixelSpacing": ["0.5", "0.75"],
    "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
    "AcquisitionMatrix": [0, 256, 256, 0], "PixelAspectRatio": ["1", "1"],
}  # fmt: skip
_CODES = {
    "BodyPartExamined": "ABDOMEN", "PatientSex": "F", "ImageType": ["ORIGINAL", "PRIMARY"],
    "SmokingStatus": "NO",
}  # fmt: skip


@cache
def mapped() -> dict[str, str]:
    """Return keyword and value representation of the top-level attributes of the mapping."""
    return {
        attribute.attribute: dictionary_VR(attribute.path.tag)
        for attribute in load_mapping().attributes
        if not attribute.path.steps
    }


class Planter:
    """Creates data sets of people; each attribute gets the next text."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker
        self._turns = count()
        self._numbers = count(1)
        self._uids: dict[tuple[str, object], str] = {}
        self._values: dict[str, Any] = {}  # by keyword, the same for every modality

    def uid(self, person: Person, what: object) -> str:
        """Return the UID of a study or series of a person; repeated calls return the same UID."""
        key = (person.language, what)
        if key not in self._uids:
            self._uids[key] = self.maker.uid(f"{what} of {person.language}")
        return self._uids[key]

    def header(self, person: Person, modality: str, study: int = 1) -> Dataset:
        """Return a header of one modality with every attribute of the mapping."""
        number = next(self._numbers)
        made = Dataset()
        made.SpecificCharacterSet = person.charset.split("\\")
        own = self._own(person, modality, study, number)
        for keyword, vr in mapped().items():
            if keyword not in own and keyword != "SpecificCharacterSet":
                put(made, keyword, self._value(person, keyword, vr))
        for keyword, value in own.items():
            put(made, keyword, value)
        self._private(made, person)
        self._file_group(made, person)
        if modality == "SR":
            made.ContentSequence = Sequence([self.item(person, 2), self.item(person, 2)])
        made.PixelData = f"{person.facts['foreign_name']} burned in".encode() * 2
        made["PixelData"].VR = "OW"
        return made

    def _own(self, person: Person, modality: str, study: int, number: int) -> dict[str, Any]:
        facts, maker, where = person.facts, self.maker, person.language
        physician = f"{facts['physician']}^{facts['physician2']}"
        return {
            "Modality": modality, "SOPClassUID": CLASSES[modality],
            "SOPInstanceUID": self.uid(person, f"image {number}"),
            "StudyInstanceUID": self.uid(person, f"study {study}"),
            "SeriesInstanceUID": self.uid(person, f"series {study} {modality}"),
            "InstanceNumber": str(number), "SeriesNumber": str(number),
            "PatientName": person.name,
            "OtherPatientNames": f"{maker.word(where)}^{facts['given']}",
            "PatientBirthName": f"{maker.word(where)}^{facts['given']}",
            "PatientMotherBirthName": f"{maker.word(where)}^{maker.word(where)}",
            "ResponsiblePerson": f"{maker.word(where)}^{maker.word(where)}",
            "PatientID": facts["patient_id"], "IssuerOfPatientID": facts["issuer"],
            "OtherPatientIDs": [facts["number"], maker.identifier(where, "O-{}")],
            "MedicalRecordLocator": maker.identifier(where, "ML{}"),
            "AccessionNumber": facts["accession"], "StudyID": facts["study_id"],
            "PatientBirthDate": facts["birth_raw"], "PatientBirthTime": maker.moment(where),
            "StudyDate": facts["day_raw"] if study == 1 else maker.day(where),
            "PatientAddress": f"{facts['street']} 12", "PatientTelephoneNumbers": facts["phone"],
            "RegionOfResidence": maker.word(where), "CountryOfResidence": maker.word(where),
            "MilitaryRank": maker.word(where), "BranchOfService": maker.word(where),
            "PatientReligiousPreference": maker.word(where), "PatientAge": "050Y",
            "InstitutionName": facts["institution"], "InstitutionAddress": f"{maker.word(where)} 3",
            "InstitutionalDepartmentName": facts["department"], "StationName": facts["station"],
            "DeviceSerialNumber": facts["serial"], "PatientTelecomInformation": facts["mail"],
            "ReferringPhysicianName": physician, "RequestingPhysician": f"{maker.word(where)}^Eva",
            "PhysiciansOfRecord": f"{maker.word(where)}^Eva",
            "OperatorsName": f"{maker.word(where)}^Al",
            "PerformingPhysicianName": f"{maker.word(where)}^{maker.word(where)}",
            "NameOfPhysiciansReadingStudy": f"{maker.word(where)}^{maker.word(where)}",
            # only few: findings from many patients in one column stop publication
            "EthnicGroup": facts["family"] if person.language in MISUSING else "WHITE",
            "SoftwareVersions": ["VB17", facts["family"] if person.language in MISUSING else "A"],
            "InstanceCreatorUID": self.uid(person, "creator"),
            "FrameOfReferenceUID": self.uid(person, "frame"),
        }  # fmt: skip

    def _value(self, person: Person, keyword: str, vr: str) -> Any:
        """Return a value for an attribute by its value representation."""
        if vr in ("LT", "ST", "UT"):
            return " / ".join(person.texts())
        if vr in TEXT_VRS:
            texts = person.texts()
            return texts[next(self._turns) % len(texts)]
        if vr == "PN":
            return f"{self.maker.word(keyword)}^{self.maker.word(keyword)}"
        if vr == "DA":
            return self.maker.day(person.language)
        if vr == "TM":
            return "101112.5"
        if vr == "CS":
            return _CODES.get(keyword, "YES")
        if vr == "UI":
            return self.maker.uid(keyword)
        if vr == "SQ":
            return Sequence([self.item(person, 2)])
        numbers = _NUMBERS.get(keyword, 1)
        many = dictionary_VM(tag_for_keyword(keyword) or 0) not in ("1", "1-n")
        return numbers if keyword in _NUMBERS or not many else [numbers, numbers]

    def item(self, person: Person, depth: int) -> Dataset:
        """Return a sequence item with names, texts, codes, dates, UIDs and nested items."""
        facts, maker, texts = person.facts, self.maker, person.texts()
        made = Dataset()
        put(made, "PatientName", person.name)
        put(made, "ReferringPhysicianName", f"{facts['physician']}^{maker.word('item')}")
        put(made, "PatientID", facts["patient_id"])
        put(made, "AccessionNumber", facts["accession"])
        put(made, "RequestedProcedureID", maker.identifier("item", "R{}"))
        put(made, "ScheduledProcedureStepID", facts["number"])
        for keyword in ("RequestedProcedureDescription", "ScheduledProcedureStepDescription",
                        "ReasonForTheRequestedProcedure", "SeriesDescription", "StudyDescription",
                        "CodeMeaning", "FrameComments", "StationName"):  # fmt: skip
            put(made, keyword, texts[next(self._turns) % len(texts)])
        put(made, "RetrieveAETitle", facts["station"])
        put(made, "TextValue", " / ".join(texts))
        put(made, "PersonName", person.name)
        put(made, "CodeValue", facts["patient_id"])
        put(made, "CodingSchemeDesignator", "99" + maker.word("item").upper())
        put(made, "ReferencedSOPInstanceUID", self.uid(person, "image 1"))
        put(made, "ReferencedSOPClassUID", CLASSES["CT"])
        put(made, "UID", maker.uid("item"))
        put(made, "StudyDate", facts["day_raw"])
        put(made, "PatientBirthDate", facts["birth_raw"])
        put(made, "DateTime", f"{facts['day_raw']}101112.5+0100")
        put_raw(made, "BodyPartExamined", "CS", facts["physician"].upper())
        put_raw(made, "PatientSize", "DS", facts["physician"] if depth == 1 else "1.7")
        put(made, "PatientSex", facts["number"])
        put(made, "RetrieveURL", f"http://{facts['host']}/{facts['number']}")
        made.EncapsulatedDocument = f"{facts['foreign_name']} in a document".encode()
        private = made.private_block(0x0031, maker.word("private item").upper(), create=True)
        private.add_new(1, "LO", maker.word("private item"))
        if depth > 1:
            for keyword in ("RequestedProcedureCodeSequence", "ReferencedSeriesSequence"):
                put(made, keyword, Sequence([self.item(person, depth - 1)]))
        return made

    def _private(self, made: Dataset, person: Person) -> None:
        maker = self.maker
        for group in (0x0009, 0x0029, 0x0099):
            block = made.private_block(group, maker.word("private creator").upper(), create=True)
            block.add_new(1, "LO", f"{person.facts['family']} {maker.word('private')}")
            block.add_new(2, "PN", person.name)
            block.add_new(3, "UN", maker.word("private").encode() + b" ")
            block.add_new(4, "DA", maker.day("private"))
            block.add_new(5, "SQ", Sequence([self.item(person, 1)]))
            block.add_new(6, "UT", " / ".join(person.texts()))

    def _file_group(self, made: Dataset, person: Person) -> None:
        meta = made.file_meta = FileMetaDataset()
        maker = self.maker
        meta.MediaStorageSOPClassUID = made.SOPClassUID
        meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
        for keyword in (
            "SourceApplicationEntityTitle",
            "SendingApplicationEntityTitle",
            "ReceivingApplicationEntityTitle",
            "ImplementationVersionName",
        ):
            put(meta, keyword, maker.word(keyword).upper())
        meta.ImplementationClassUID = maker.uid("implementation")
        meta.PrivateInformationCreatorUID = maker.uid("private information")
        meta.PrivateInformation = maker.word("private information").encode()
        made.preamble = maker.word("preamble").encode().ljust(128, b" ")

    def everything(self, person: Person, modality: str) -> Dataset:
        """Return a data set with all top-level attributes of the dictionary, each with a needle."""
        made = self.header(person, modality, study=2)
        for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
            if tag >> 16 <= 4 or not keyword or keyword in made:
                continue
            if keyword not in self._values:
                self._values[keyword] = self._needle(keyword, vr)
            if self._values[keyword] is not None:
                put(made, keyword, self._values[keyword])
        return made

    def _needle(self, keyword: str, vr: str) -> Any:
        maker = self.maker
        if vr in TEXT_VRS:
            return maker.word(keyword)
        if vr == "PN":
            return f"{maker.word(keyword)}^{maker.word(keyword)}"
        if vr in ("AE", "CS"):
            return maker.word(keyword).upper()
        if vr == "DA":
            return maker.day(keyword)
        if vr == "DT":
            return f"{maker.day(keyword)}{maker.moment(keyword)}"
        if vr == "TM":
            return maker.moment(keyword)
        if vr == "UI":
            return maker.uid(keyword)
        if vr == "UR":
            return f"http://{maker.word(keyword)}.example/"
        if vr == "SQ":
            item, inner = Dataset(), Dataset()
            put(item, "CodeMeaning", maker.word(keyword))
            put(inner, "TextValue", maker.word(keyword))
            put(item, "ContentSequence", Sequence([inner]))
            return Sequence([item])
        return None


def put(made: Dataset, keyword: str, value: Any) -> None:
    """Set an attribute to a valid or invalid value."""
    setattr(made, keyword, value)


def put_raw(made: Dataset, keyword: str, vr: str, text: str) -> None:
    """Set an attribute to bytes that its value representation may not allow."""
    tag = Tag(tag_for_keyword(keyword) or 0)
    charset = made.get("SpecificCharacterSet", "")
    value = encode_string(text, convert_encodings(charset))
    value += b" " * (len(value) % 2)
    made._dict[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)


def written(made: Dataset, syntax: str = "explicit") -> bytes:
    """Return a data set as the bytes of a file."""
    made.file_meta.TransferSyntaxUID = SYNTAXES[syntax]
    sink = io.BytesIO()
    pydicom.dcmwrite(sink, made, enforce_file_format=True)
    return sink.getvalue()
