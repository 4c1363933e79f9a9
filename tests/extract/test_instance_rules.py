"""Headers of objects without patient, and of instances without the UIDs of their parents."""

from pathlib import Path

import pytest
from pydicom.uid import UID, UID_dictionary

from dicom_pipeline.extract.instance_rules import NON_PATIENT_OBJECTS
from tests.support.dicom import instance
from tests.support.zone import Zone

MISSING = {
    "StudyInstanceUID": "no_study_instance_uid",
    "SeriesInstanceUID": "no_series_instance_uid",
}


@pytest.mark.parametrize("value", [None, "", "\0\0", "  "])
@pytest.mark.parametrize("keyword", MISSING)
@pytest.mark.parametrize("syntax", ["explicit", "implicit", "big endian"])
def test_an_instance_without_the_uid_of_a_parent_is_rejected(
    tmp_path: Path, keyword: str, value: str | None, syntax: str
) -> None:
    zone = Zone(tmp_path)
    zone.put("whole", instance(1, syntax))
    zone.put("orphan", instance(2, syntax, **{keyword: value}))
    zone.load()
    assert zone.rejects() == {"orphan": MISSING[keyword]}
    assert set(zone.images()) == {"whole"}
    counts = zone.reconcile()
    assert counts.balanced
    assert counts.rejected == {MISSING[keyword]: 1}


@pytest.mark.parametrize("uid", NON_PATIENT_OBJECTS)
def test_an_object_that_belongs_to_no_patient_is_ignored(tmp_path: Path, uid: str) -> None:
    zone = Zone(tmp_path, allow_missing_uids=True)
    zone.put("1", instance(1, SOPClassUID=uid, StudyInstanceUID=None, SeriesInstanceUID=None))
    zone.put("2", instance(2, SOPClassUID=uid))
    zone.load()
    assert not zone.images()
    counts = zone.reconcile()
    assert counts.balanced
    assert counts.ignored == {"non_patient_object": 2}


def test_the_classes_of_objects_without_patient_have_the_names_of_the_standard() -> None:
    # PS3.4 table GG.3-1; the list of pydicom is generated from PS3.6
    assert {UID(uid).name for uid in NON_PATIENT_OBJECTS} == set(NON_PATIENT_OBJECTS.values())
    words = ("Hanging", "Palette", "Implant ", "Defined Procedure", "Approval", "Inventory")
    of_standard = {
        uid
        for uid, (name, kind, *_) in UID_dictionary.items()
        if kind == "SOP Class" and name.endswith(" Storage") and any(w in name for w in words)
    }
    assert of_standard == set(NON_PATIENT_OBJECTS)
