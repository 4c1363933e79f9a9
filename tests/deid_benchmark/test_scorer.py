"""The scorer finds each kind of failure once, and nothing in correct tables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from datetime import date, time, timedelta
from typing import Any

import pytest

from tests.warehouse.oracle import Oracle

from .answer_key import answer_key
from .archive import Device, Image, Institution, Patient, Series, Study
from .people import Person
from .published import Published, Rows
from .report import Score
from .scorer import ACTIONS, Outcome, Scorer
from .texts import Part, Planted, Role, Text

ORACLE = Oracle(bytes(range(32)))
SHIFT = timedelta(weeks=100)
NAME = Planted("Habermann", ("habermann",))
SITE = Institution("Quellbrunn Clinic", "Quellbrunn", "QBC", "Imaging West", "Ring 1", "Quellbrunn")
DEVICE = Device("SIEMENS", "Skyra", "4711", "QB1", "VB20A", SITE)
WHO = Person("Habermann", "Gerlinde")
Tables = dict[str, Rows]


def text(before: str, planted: Planted | None = None, after: str = "", **how: Any) -> Text:
    """Return a text with one identifier."""
    parts = [Part(before, Role.STAY)]
    if planted:
        parts.append(Part(planted.text, Role.GO, "name", how.pop("own", True), planted))
    parts.append(Part(after, Role.STAY))
    return Text(tuple(part for part in parts if part.text), how.pop("template", "t1"), **how)


def patient() -> Patient:
    """Return a patient with two studies of one series and one image each."""
    made = Patient(WHO, "MRN-4711", "CLINIC", date(1950, 5, 6), {
        "PatientName": WHO.dicom, "PatientID": "MRN-4711", "PatientSex": "F",
    })  # fmt: skip
    made.texts["PatientComments"] = [text("Seen with ", NAME, " on call", own=False)]
    for number, when in enumerate((date(2012, 3, 4), date(2013, 3, 4)), start=1):
        header = {
            "StudyInstanceUID": f"1.2.{number}", "StudyDate": f"{when:%Y%m%d}",
            "StudyTime": "101112", "PatientAge": "091Y", "Modality": "MR",
            "AccessionNumber": f"A100{number}", "ReferringPhysicianName": "Wolters^Rika",
        }  # fmt: skip
        study = Study(f"1.2.{number}", "MR", when, time(10), DEVICE, f"A100{number}", {}, header)
        study.texts["StudyDescription"] = [text("MR HEAD ", NAME, " T2*")]
        study.texts["RequestedProcedureDescription"] = [text("MR BRAIN W/O CONTRAST")]
        series = Series(f"1.2.{number}.1", {"SeriesNumber": 1, "BodyPartExamined": "HEAD"})
        image = Image(f"1.2.{number}.1.1", 1, "", {"Rows": 512}, refers_to="1.2.1.1.1")
        series.images.append(image)
        study.series.append(series)
        made.studies.append(study)
    return made


def tables(made: Patient) -> Tables:
    """Return the correct tables, computed by the oracle."""
    key = ORACLE.patient_key(made.id, made.issuer)
    found: Tables = {"patients": {}, "studies": {}, "series": {}, "images": {}, "devices": {}}
    found["patients"][key] = {
        "patient_id": ORACLE.id("PatientID", made.id), "patient_sex": "F", "patient_name": None,
        "patient_key": key, "patient_comments": "Seen with [removed] on call",
    }  # fmt: skip
    for study in made.studies:
        found["studies"][ORACLE.key("study_key", study.uid)] = {
            "patient_key": key, "patient_id": ORACLE.id("PatientID", made.id),
            "study_instance_uid": ORACLE.uid(study.uid), "study_date": study.when - SHIFT,
            "study_time": time(10, 11, 12), "patient_age": "090Y",
            "accession_number": ORACLE.id("AccessionNumber", study.accession),
            "referring_physician_name": None,
            "days_since_first_study": (study.when - made.studies[0].when).days,
            "study_description": "MR HEAD [removed] T2*",
            "requested_procedure_description": "MR BRAIN W/O CONTRAST",
        }  # fmt: skip
        for series in study.series:
            found["series"][ORACLE.key("series_key", series.uid)] = {
                "patient_key": key, "series_instance_uid": ORACLE.uid(series.uid),
                "series_number": 1, "body_part_examined": "HEAD", "modality": "MR",
            }  # fmt: skip
            for image in series.images:
                referred = {"00081155": {"vr": "UI", "Value": [ORACLE.uid("1.2.1.1.1")]}}
                found["images"][ORACLE.key("image_key", image.uid)] = {
                    "patient_key": key, "sop_instance_uid": ORACLE.uid(image.uid), "rows": 512,
                    "series_instance_uid": ORACLE.uid(series.uid),
                    "referenced_image_sequence": json.dumps([referred]),
                }  # fmt: skip
    found["devices"][ORACLE.id("device_key", "17:SIEMENS5:Skyra4:4711")] = {
        "manufacturer": "SIEMENS", "manufacturer_model_name": "Skyra", "software_versions": ["V"],
        "device_serial_number": ORACLE.id("DeviceSerialNumber", "4711"), "station_name": None,
        "institution_name": None, "institution_address": None,
    }  # fmt: skip
    return found


def failures(changed: Tables, profile: str = "research") -> list[Outcome]:
    """Return the checks that fail."""
    outcomes = Scorer(Published(changed, ORACLE)).score(answer_key([patient()], profile))
    return [outcome for outcome in outcomes if not outcome.passed]


def first(found: Tables, table: str) -> dict[str, Any]:
    """Return the first row of a table."""
    return next(iter(found[table].values()))


def test_correct_tables_pass_and_every_action_is_checked() -> None:
    right = tables(patient())
    outcomes = list(Scorer(Published(right, ORACLE)).score(answer_key([patient()], "research")))
    assert [o for o in outcomes if not o.passed] == []
    assert {o.action for o in outcomes} == set(ACTIONS)


def leave_name(found: Tables) -> None:
    first(found, "studies")["study_description"] = "MR HEAD HABERMANN T2*"


def leave_glued_name(found: Tables) -> None:
    first(found, "studies")["study_description"] = "MR HEAD GHabermann T2*"


def remove_too_much(found: Tables) -> None:
    first(found, "studies")["study_description"] = "MR [removed] T2*"


def change_harmless(found: Tables) -> None:
    first(found, "studies")["requested_procedure_description"] = "MR BRAIN W/O  CONTRAST"


def null_text(found: Tables) -> None:
    first(found, "studies")["study_description"] = None


def leave_foreign_name(found: Tables) -> None:
    first(found, "patients")["patient_comments"] = "Seen with Habermann on call"


def null_kept(found: Tables) -> None:
    first(found, "images")["rows"] = None


def drop_column(found: Tables) -> None:
    for row in found["series"].values():
        del row["series_number"]


def change_code(found: Tables) -> None:
    first(found, "series")["body_part_examined"] = "HAND"


def leave_removed(found: Tables) -> None:
    first(found, "studies")["referring_physician_name"] = "WOLTERS"


def leave_age(found: Tables) -> None:
    first(found, "studies")["patient_age"] = "091Y"


def leave_number(found: Tables) -> None:
    first(found, "studies")["accession_number"] = "A1001"


def leave_date(found: Tables) -> None:
    first(found, "studies")["study_date"] = date(2012, 3, 4)


def shift_by_days(found: Tables) -> None:
    for row in found["studies"].values():
        row["study_date"] -= timedelta(days=1)


def lose_interval(found: Tables) -> None:
    first(found, "studies")["days_since_first_study"] = None


def leave_uid(found: Tables) -> None:
    for row in found["images"].values():
        row["series_instance_uid"] = row["series_instance_uid"].replace(
            ORACLE.uid("1.2.1.1"), "1.2.1.1"
        )
    first(found, "series")["series_instance_uid"] = "1.2.1.1"


def invalid_uid(found: Tables) -> None:
    first(found, "images")["sop_instance_uid"] = "2.25.0123"


def other_uid(found: Tables) -> None:
    first(found, "images")["series_instance_uid"] = "2.25.77"


def same_uid(found: Tables) -> None:
    for row in found["studies"].values():
        row["study_instance_uid"] = "2.25.77"


def leave_reference(found: Tables) -> None:
    first(found, "images")["referenced_image_sequence"] = "1.2.1.1.1"


def other_pseudonym(found: Tables) -> None:
    first(found, "studies")["patient_id"] = "x"


def leave_patient_id(found: Tables) -> None:
    for row in [first(found, "patients"), *found["studies"].values()]:
        row["patient_id"] = "MRN-4711"


def other_patient_key(found: Tables) -> None:
    first(found, "images")["patient_key"] = "x"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (leave_name, {("text_removed", "core"): 1}),
        (leave_glued_name, {("text_removed", "core"): 1}),
        (remove_too_much, {("text_retained", "core"): 1}),
        (change_harmless, {("text_retained", "core"): 1}),
        (null_text, {("text_notnull", "core"): 1, ("text_retained", "core"): 1}),
        (leave_foreign_name, {("text_removed", "foreign"): 1}),
        (null_kept, {("tag_retained", "core"): 1}),
        (drop_column, {("tag_retained", "core"): 2}),
        (change_code, {("text_retained", "core"): 1}),
        (leave_removed, {("text_removed", "core"): 1}),
        (leave_age, {("text_removed", "core"): 1}),
        (leave_number, {("text_removed", "core"): 1}),
        (leave_date, {("date_shifted", "core"): 1}),
        (shift_by_days, {("date_shifted", "core"): 2}),
        (lose_interval, {("date_shifted", "core"): 1}),
        (leave_uid, {("uid_changed", "core"): 2}),
        (invalid_uid, {("uid_changed", "core"): 1, ("uid_consistent", "core"): 2}),
        (other_uid, {("uid_consistent", "core"): 1}),
        (same_uid, {("uid_consistent", "core"): 2}),
        (leave_reference, {("uid_changed", "core"): 1, ("uid_consistent", "core"): 1}),
        (other_pseudonym, {("patid_consistent", "core"): 1}),
        (leave_patient_id, {("patid_consistent", "core"): 3}),
        (other_patient_key, {("patid_consistent", "core"): 1}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_error_in_the_tables_fails_only_its_own_checks(
    change: Callable[[Tables], None], expected: dict[tuple[str, str], int]
) -> None:
    changed = deepcopy(tables(patient()))
    change(changed)
    found = Counter((outcome.action, outcome.scope) for outcome in failures(changed))
    if change is leave_date:  # if two dates have different shifts, either may be the usual one
        found["date_shifted", "core"] = 1
    assert dict(found) == expected


def test_a_study_that_was_not_published_fails() -> None:
    changed = tables(patient())
    changed["studies"].popitem()
    failed = failures(changed)
    assert {"tag_retained", "text_retained", "date_shifted", "uid_changed", "patid_consistent"} <= {
        outcome.action for outcome in failed
    }


def test_strict_requires_that_dates_and_descriptions_are_removed() -> None:
    failed = failures(tables(patient()), "strict")
    assert {"studies.study_date", "studies.study_time", "patients.patient_sex"} <= {
        outcome.field for outcome in failed
    }
    assert {outcome.action for outcome in failed} == {"text_removed"}


def test_identifiers_that_occur_elsewhere_in_the_file_have_their_own_threshold() -> None:
    changed = tables(patient())
    leave_name(changed)
    score = Score("research").take(failures(changed))
    score.by_action["tag_retained", "core"].checks += 100_000
    score.by_action["tag_retained", "core"].passed += 100_000
    assert score.overall.percent > 99.95
    assert not score.is_good(99.95)


def test_held_out_failures_are_counted_and_never_quoted() -> None:
    shown = Outcome("text_removed", False, "f", template="a", kind="name", example=("i", "o", "w"))
    hidden = Outcome("text_removed", False, "f", template="b", held_out=True, kind="name",
                     example=("secret", "secret", "secret"))  # fmt: skip
    document = Score("research").take([shown, hidden]).document()
    assert "secret" not in str(document)
    assert document["by action and part"]["text_removed | core | held out"]["failed"] == 1
    assert [e["template"] for e in document["examples of failures of tuning templates"]] == ["a"]
