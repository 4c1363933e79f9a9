"""The kept values of many patients: which are removed for whom, and the form of codes."""

from __future__ import annotations

import json
import re

import duckdb
import pyarrow as pa
import pytest

from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.config.settings import Profile
from dicom_pipeline.deid.cleaning.leaked_values import ANYBODY, find_kept_codes, find_leaked_values
from dicom_pipeline.deid.cleaning.sequence_cleaning import SequenceCleaner
from dicom_pipeline.mapping.sequence_attributes import load_sequence_attributes
from tests.support.cleaned_texts import DOE, HAND

from .own import cleaner, defined_terms, own_terms, terms

PATIENTS = {
    "doe": DOE,
    "hand": HAND,
    "ver": {"PatientName": "Syngo^Tobler", "PatientID": "4711823", "StudyDate": "20190503"},
}
DEFINED = {attribute: frozenset(found) for attribute, found in defined_terms().items()}
ALLOWED = frozenset(cleaner().allowed_words)


def values(*rows: tuple[str, str, str, bool, str | None, str]) -> pa.Table:
    """Return values with their table, attribute, function, device and text."""
    return pa.table(
        {
            "table_name": [row[0] for row in rows],
            "column_name": [row[1].lower() for row in rows],
            "attribute": [row[1] for row in rows],
            "function": [row[2] for row in rows],
            "is_array": [row[3] for row in rows],
            "device_key": pa.array([row[4] for row in rows], pa.string()),
            "value_key": [row[5] for row in rows],  # not hashed, to be readable
            "value": [row[5] for row in rows],
        }
    )


def version(device: str, text: str) -> tuple[str, str, str, bool, str | None, str]:
    return ("devices", "SoftwareVersions", "keep", True, device, text)


def code(attribute: str, text: str) -> tuple[str, str, str, bool, str | None, str]:
    return ("images", attribute, "keep_code", attribute == "ImageType", None, text)


def leaks(
    *rows: tuple[str, str, str, bool, str | None, str], users: dict[str, str]
) -> set[tuple[str, str]]:
    """Return the owners and values to remove; users are the patients by device."""
    found = find_leaked_values(
        values(*rows),
        pa.table(
            {
                "patient_key": list(PATIENTS),
                "terms": [terms(patient) for patient in PATIENTS.values()],
            }
        ),
        pa.table({"device_key": list(users), "patient_key": list(users.values())}),
        ALLOWED,
        DEFINED,
    )
    return {(row["owner_key"], row["value_key"]) for row in found.to_pylist()}


def test_only_terms_of_the_patients_of_a_device_are_removed_from_its_versions() -> None:
    rows = (version("d1", "Hand 2"), version("d2", "Hand 2"), version("d2", "syngo 3"))
    assert leaks(*rows, users={"d1": "hand", "d2": "doe"}) == {("d1", "Hand 2")}
    # the devices without a key are one, whose users are all patients of such rows
    assert leaks(version("", "Hand 2"), users={"": "hand"}) == {("", "Hand 2")}
    assert leaks(version("d2", "x"), users={}) == set()


def test_a_name_of_any_patient_is_removed_from_versions_unless_it_may_be_another_word() -> None:
    """The file may name no patient."""
    texts = ("R2 Tobler", "Brainard 2", "Hand 3", "syngo 3", "Doe 1", "沈心 2", "ToblerX 2")
    rows = [version("d1", text) for text in texts]
    found = {text for _, text in leaks(*rows, users={})}
    assert found == {"R2 Tobler", "Brainard 2"}


def test_a_version_with_the_form_of_an_identifier_is_removed_whoever_used_the_device() -> None:
    found = leaks(
        version("d1", "R2 Hr. Tobler 0228 287-15000"), version("d1", "5.4.1\\5.4.1.0"), users={}
    )
    assert found == {(ANYBODY, "R2 Hr. Tobler 0228 287-15000")}


def test_a_code_is_removed_for_the_patient_whom_it_identifies() -> None:
    found = leaks(
        code("Laterality", "HAND"),
        code("BodyPartExamined", "Hand"),
        code("ImageType", "DERIVED\\4711823"),
        code("ImageType", "DERIVED\\150000"),
        code("ScanOptions", "3 5 2019"),
        code("ScanOptions", "19 5 3"),
        users={},
    )
    assert found == {
        ("hand", "HAND"),
        ("ver", "DERIVED\\4711823"),
        (ANYBODY, "DERIVED\\4711823"),
        ("ver", "3 5 2019"),
        (ANYBODY, "3 5 2019"),
        ("ver", "19 5 3"),
    }


FUNCTIONS = DBT_PROJECT_DIR / "macros" / "functions" / "deid_functions.sql"
CREATE = re.compile("create or replace macro deid[.]keep_codes?[(].*?;", re.DOTALL)


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    """DuckDB with the functions of stage that apply the form of a code."""
    connection = duckdb.connect()
    connection.execute("create schema deid")
    for statement in CREATE.findall(FUNCTIONS.read_text()):
        connection.execute(statement)
    return connection


SAME = [
    ("BodyPartExamined", "00180015"), ("Laterality", "00200060"), ("PatientSex", "00100040"),
    ("ScanOptions", "00180022"), ("ImageType", "00080008"),
]  # fmt: skip


@pytest.mark.parametrize("patient", sorted(PATIENTS))
@pytest.mark.parametrize(("attribute", "tag"), SAME)
@pytest.mark.parametrize(
    "text",
    [
        "CHEST", "Chest", "HAND", "Hand", "Doe", "Kowalski", "Male", "f", "left", "T-SPINE",
        "Head & Neck", "150000", "4711823", "20190503", "3 5 2019", "b1000", "chest of J. Doe", "",
        " Chest ", "\u00a0CHEST", "\tCHEST", "ﬁnger", "Schädel", "CHEST\\Abdomen", "\\Hand\\\\x",
    ],
)  # fmt: skip
def test_a_code_in_a_column_and_in_a_sequence_is_treated_alike(
    text: str, attribute: str, tag: str, patient: str, connection: duckdb.DuckDBPyConnection
) -> None:
    is_array = attribute == "ImageType"
    row = code(attribute, text)
    owners = {owner for owner, _ in leaks(row, users={})}
    kept = find_kept_codes(values(row), ALLOWED, DEFINED).to_pylist()
    is_leaked = bool(owners & {ANYBODY, patient})
    function = "keep_codes" if is_array else "keep_code"
    forms = None if is_leaked or not kept else kept[0]["forms"]
    [(in_column,)] = connection.execute(f"select deid.{function}(?, ?)", [text, forms]).fetchall()

    attributes = load_sequence_attributes(Profile.RESEARCH)
    sequences = SequenceCleaner(attributes, Profile.RESEARCH, cleaner(), DEFINED)
    elements = text.split("\\") if is_array else [text]
    line = f'"{tag}": {{"vr": "CS", "Value": {json.dumps(elements)}}}'
    result = sequences.clean(
        f"[\n{{\n{line}\n}}\n]", own_terms(PATIENTS[patient]), shift_days=7, uid=str
    )
    assert result.text is not None
    [item] = json.loads(result.text)
    in_sequence = item[tag].get("Value", [None])
    if is_array and is_leaked:  # a column loses all elements, a sequence one
        assert None in in_sequence
    else:
        assert in_sequence == (in_column if is_array and in_column else [in_column])
    assert result.is_leaked == is_leaked
