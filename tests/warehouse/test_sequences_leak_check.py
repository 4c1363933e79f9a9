"""The leak check in sequences: their JSON syntax is not a leak, but their values may be."""

from __future__ import annotations

import json

import pytest

from .archive import file
from .conftest import Warehouse
from .leaks import found
from .sequence_files import code, item, sequence

GROUPS = "SharedFunctionalGroupsSequence"
# a patient with names and numbers that equal parts of the JSON syntax
SYNTAX_NAMES = {"PatientName": "Lo^Value", "PatientID": "512", "AccessionNumber": "00280010"}
HAND = {"PatientName": "Hand^Page", "PatientID": "H-77", "StudyDate": "20130607"}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    inside = item(
        StudyDate="20130607",
        StudyInstanceUID="1.2.840.9",
        BodyPartExamined="HAND",
        Laterality="L",
        Rows=512,
        PurposeOfReferenceCodeSequence=[code("121311", "DCM", "hand of Lo, Page 2")],
    )
    warehouse = Warehouse(tmp_path_factory.mktemp("people"))
    warehouse.create()
    made = sequence(GROUPS, inside)
    warehouse.raw.write(
        "2013-06",
        [file(f"{n}", "1", 1, **who, **made) for n, who in enumerate((SYNTAX_NAMES, HAND))],
    )
    warehouse.build()
    return warehouse


def spoil(warehouse: Warehouse, old: str, new: str) -> list[tuple[str, str, int]]:
    """Return the findings after a change in the sequences, which is then reverted."""
    column = "shared_functional_groups_sequence"
    change = "update processed.processed_images set {0} = replace({0}::varchar, '{1}', '{2}')::json"
    [before] = warehouse.rows(f"select min({column}) as text from processed.processed_images")
    assert old in before["text"]
    warehouse.execute(change.format(column, old, new))
    try:
        return found(warehouse)
    finally:
        warehouse.execute(change.format(column, new, old))


def test_the_syntax_of_a_sequence_and_values_of_the_standard_are_not_a_leak(
    people: Warehouse,
) -> None:
    assert found(people) == []
    rows = people.rows(
        "select shared_functional_groups_sequence as s from processed.processed_images"
    )
    for row in rows:
        [one] = json.loads(row["s"])
        assert one["00180015"]["Value"] == ["HAND"]
        assert one["00280010"]["Value"] == [512]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('["L"]', '["HAND PAGE"]'),
        ("] 2", "] P\\u0061ge 2"),
        ('"2.25.', '"Page.'),
        ('"DCM"', '"H-77"'),
        ("[512]", '["Page"]'),
        ("[512]", "[1, 20130607]"),
        ("[512]", "[7.062013e6]"),
        ("[512]", "[1370600000]"),
    ],
    ids=["code", "escaped text", "uid", "scheme", "text for a number", "date", "exponent", "Unix"],
)
def test_a_term_of_the_patient_in_a_sequence_is_found(
    people: Warehouse, old: str, new: str
) -> None:
    assert spoil(people, old, new) == [("processed_images", "shared_functional_groups_sequence", 1)]


@pytest.mark.parametrize("number", ["-20130607", "20130607.5", "20130608", "130609", "1e300"])
def test_another_number_in_a_sequence_is_not_found(people: Warehouse, number: str) -> None:
    assert spoil(people, "[512]", f"[{number}]") == []
