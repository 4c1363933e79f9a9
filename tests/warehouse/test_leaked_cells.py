"""The leak check finds each cell of the staged tables that identifies its patient, and no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from dicom_pipeline.mapping.attribute_mapping import AttributeMapping, load_mapping
from dicom_pipeline.warehouse.leak_check import check as check_module
from dicom_pipeline.warehouse.leak_check.check import LeakCheckError

from .archive import file
from .conftest import KEY, Warehouse
from .leaks import cells_to_remove, check, found, to_remove
from .oracle import Oracle

ORACLE = Oracle(KEY)
ADA = {
    "PatientID": "AB-0471100",
    "PatientName": "Oberkampf^Ada",
    "PatientBirthDate": "19410203",
    "PatientTelephoneNumbers": "030 555-4711 22",
    "ReferringPhysicianName": "Quastenberg^Otto",
    "StudyDate": "20130607",
    "InstanceNumber": "1",
}
BO = {"PatientID": "815815", "PatientName": "Lindqvist^Bo", "StudyDate": "20130608"}
REMOVED = {"PatientID": "R-1", "PatientName": "Removed^Rita", "StudyDescription": "of Rita, head"}
HAND = {"PatientID": "H-1", "PatientName": "Hand^Lo", "BodyPartExamined": "HAND"}
# short identifiers equal many numbers of an image
SHORT = ("1", "512", "0001")


def key_of(person: dict[str, str]) -> str:
    return ORACLE.patient_key(person["PatientID"], "CLINIC")


def of(person: dict[str, str]) -> str:
    return f"patient_key = '{key_of(person)}'"


WEEKLY = {"PatientID": "W-52", "PatientName": "Weekly^Wanda"}
FIRST = date(2013, 1, 7)


def weekly_days() -> list[date]:
    """A year of weeks, and the days that a shift makes of the first five."""
    shift = timedelta(days=ORACLE.shift_days(key_of(WEEKLY)))
    days = [FIRST + timedelta(weeks=n) for n in range(53)]
    return days + [day - shift for day in days[:5]]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("cells"))
    warehouse.create()
    files = [file(f"{n}", "1", 1, **who) for n, who in enumerate((ADA, BO, REMOVED, HAND))]
    files += [
        file(f"1{n}", "1", 1, PatientID=number, PatientName=f"Nn{n}x", InstanceNumber="1",
             StudyDate="20130609", WindowCenter="512\\1", PatientWeight="1")
        for n, number in enumerate(SHORT)
    ]  # fmt: skip
    files += [
        file(f"2{n}", "1", 1, **WEEKLY, StudyDate=f"{day:%Y%m%d}", AcquisitionDate=f"{day:%Y%m%d}")
        for n, day in enumerate(weekly_days())
    ]
    warehouse.raw.write("2013-06", files)
    warehouse.build()
    return warehouse


def test_short_identifiers_and_weekly_visits_are_no_findings(people: Warehouse) -> None:
    report = check(people)
    assert (report.findings, report.found, report.nulled) == ([], 0, [])
    rows = people.rows("select * from stage.staged_images where instance_number = 1")
    assert len(rows) == 1 + len(SHORT)
    assert {row["rows"] for row in rows} == {512}
    dated = "select count(study_date) as n, count(distinct study_date) as days"
    [row] = people.rows(f"{dated} from stage.staged_studies where {of(WEEKLY)}")
    assert row == {"n": 58, "days": 58}
    coincidences = people.rows(
        f"select acquisition_date as day from stage.staged_images where {of(WEEKLY)}"
    )
    assert len({row["day"] for row in coincidences} & set(weekly_days())) == 5


TEXTS = [
    ("studies", "study_description", "'Oberkampf head'"),  # name
    ("studies", "study_description", "'head for Quastenberg'"),  # person
    ("studies", "study_description", "'call 030 555 4711 22'"),  # contact
    ("studies", "study_description", "'of 0471100'"),  # id
    ("studies", "study_description", "'at the Holy Ghost'"),  # place
    ("studies", "study_description", "'of 7.6.2013'"),  # date
    ("studies", "study_description", "'born 3-FEB-1941'"),  # another date of the patient
    ("studies", "medical_alerts", "['head', 'of Oberkampf']"),
    ("patients", "patient_id", "'AB-0471100'"),
    ("patients", "patient_age", "'091Y'"),
    ("patients", "patient_age", "'91'"),
    ("images", "sop_instance_uid", "'1.2.840.0.1.1'"),
    ("images", "image_type", "['ORIGINAL', 'OBERKAMPF']"),
]


@pytest.mark.parametrize(("table", "column", "value"), TEXTS)
def test_a_cell_with_a_term_of_its_patient_is_found(
    changed: Warehouse, table: str, column: str, value: str
) -> None:
    changed.execute(f"update stage.staged_{table} set {column} = {value} where {of(ADA)}")
    report = check(changed)
    assert report.findings == []
    key = "header_key" if table == "images" else "row_key"
    [row] = changed.rows(f"select * from stage.staged_{table} where {of(ADA)}")
    assert report.rows.to_pylist() == [
        {
            "table_name": table,
            "period_key": row["period_key"],
            "base_version": row["base_version"],
            "row_key": row[key],
            "column_name": column,
        }
    ]


@pytest.mark.parametrize(
    ("who", "value"),
    [
        (ADA, "head of Mr Lindqvist"),
        (ADA, "0471"),
        (ADA, "2013"),
        (ADA, "[removed] head"),
        (REMOVED, "of [removed], head"),
    ],
)
def test_another_text_is_not_found(changed: Warehouse, who: dict[str, str], value: str) -> None:
    changed.execute(
        f"update stage.staged_studies set study_description = '{value}' where {of(who)}"
    )
    assert cells_to_remove(changed) == []


def test_a_code_of_the_standard_is_not_found_in_its_column_only(changed: Warehouse) -> None:
    assert changed.rows(f"from stage.staged_series where {of(HAND)}")[0]["body_part_examined"]
    assert cells_to_remove(changed) == []
    changed.execute(f"update stage.staged_series set modality = 'HAND' where {of(HAND)}")
    assert cells_to_remove(changed) == [("series", "modality")]


@pytest.mark.parametrize("value", ["'for Ada Oberkampf'", "'Quastenberg'", "'tel 030-555-4711-22'"])
def test_a_term_of_any_patient_of_a_device_is_found(changed: Warehouse, value: str) -> None:
    changed.execute(f"update stage.staged_devices set manufacturer = {value}")
    assert cells_to_remove(changed) == [("devices", "manufacturer")]


@pytest.mark.parametrize("value", ["'HAND'", "'Lo'", "'512'", "'7.6.2013'"])
def test_a_short_term_an_ordinary_word_or_a_date_is_not_found_in_a_device(
    changed: Warehouse, value: str
) -> None:
    changed.execute(f"update stage.staged_devices set manufacturer = {value}")
    assert cells_to_remove(changed) == []


@pytest.mark.parametrize(("column", "value", "is_own"), [
    ("echo_time", "471100", True),  # digits of the identifier, without leading zeros
    ("echo_time", "30555471122", True),  # of the telephone number
    ("echo_time", "20130607", True), ("echo_time", "7062013", True),  # dates
    ("echo_time", "6072013", True), ("echo_time", "19410203", True),
    ("echo_time", "130607", True), ("echo_time", "70613", True),  # without the century
    ("echo_time", "2013158", True), ("echo_time", "13158", True),  # by the day of the year
    ("echo_time", "41432", True),  # spreadsheets: 1 January 2013 is 41275
    ("echo_time", "56450", True), ("echo_time", "2456451", True),  # Julian days
    ("echo_time", "735392", True), ("echo_time", "735026", True),  # MATLAB, Python
    ("echo_time", "1370600000", True), ("echo_time", "1370600000123", True),  # Unix
    ("echo_time", "3453444800", True),  # Mac
    ("echo_time", "20130607101500", True), ("echo_time", "130607101500", True),
    ("echo_time", "1370800000", False), ("echo_time", "41434", False),
    ("echo_time", "471101", False), ("echo_time", "4711", False),
    ("echo_time", "815815", False), ("echo_time", "20130608", False),  # of another patient
    ("number_of_frames", "471100", True), ("number_of_frames", "471101", False),
    ("window_center", "[40, null, 471100]", True), ("window_center", "[null, 471101]", False),
    ("echo_numbers", "[1, 20130607]", True), ("echo_numbers", "[]", False),
])  # fmt: skip
def test_a_number_is_found_if_it_is_an_identifier_or_a_date_of_its_patient(
    changed: Warehouse, column: str, value: str, is_own: bool
) -> None:
    changed.execute(f"update stage.staged_images set {column} = {value} where {of(ADA)}")
    assert cells_to_remove(changed) == ([("images", column)] if is_own else [])


def test_an_identifier_is_found_in_every_column_of_numbers(changed: Warehouse) -> None:
    numbers: dict[str, dict[str, str]] = {}
    for attribute in load_mapping().attributes:
        if attribute.type in ("integer", "double") and attribute.research == "keep_number":
            cell = "471100" if attribute.vm == "1" else "[1, 471100]"
            numbers.setdefault(attribute.table, {})[attribute.column] = cell
    assert sum(map(len, numbers.values())) > 50
    for table, columns in numbers.items():
        values = ", ".join(f'"{name}" = {cell}' for name, cell in columns.items())
        changed.execute(f"update stage.staged_{table} set {values} where {of(ADA)}")
    expected = {(table, name) for table, columns in numbers.items() for name in columns}
    assert set(cells_to_remove(changed)) == expected


def test_a_number_of_a_patient_in_a_processed_table_is_found(changed: Warehouse) -> None:
    change = f"echo_time = 471100 where {of(ADA)}"
    changed.execute(f"update processed.processed_images set {change}")
    # a count is no attribute
    changed.execute(f"update processed.processed_studies set image_count = 471100 where {of(ADA)}")
    assert found(changed) == [("processed_images", "echo_time", 1)]


@pytest.mark.parametrize("number", ["471100.5", "-471100", "'nan'", "'inf'"])
def test_a_number_that_is_not_whole_and_positive_is_not_found(
    changed: Warehouse, number: str
) -> None:
    changed.execute(f"update stage.staged_images set echo_time = {number}::double where {of(ADA)}")
    assert cells_to_remove(changed) == []


def test_a_date_that_was_not_shifted_is_found(changed: Warehouse) -> None:
    changed.execute(
        f"update stage.staged_studies set study_date = date '2013-06-07' where {of(ADA)}"
    )
    assert cells_to_remove(changed) == [("studies", "study_date")]


@pytest.mark.parametrize("day", ["1941-02-03", "2013-06-08"], ids=["birth date", "of another"])
def test_a_date_that_is_not_the_true_one_of_its_cell_is_not_found(
    changed: Warehouse, day: str
) -> None:
    change = f"study_date = date '{day}' where {of(ADA)}"
    changed.execute(
        f"update stage.staged_studies set {change}; update processed.processed_studies set {change}"
    )
    assert cells_to_remove(changed) == []


def test_the_true_date_of_one_visit_is_found_and_that_of_another_is_not(changed: Warehouse) -> None:
    [first, second, *_] = changed.rows(
        f"select row_key, study_date + {ORACLE.shift_days(key_of(WEEKLY))} as day"
        f" from stage.staged_studies where {of(WEEKLY)} order by study_date desc"
    )
    update = "update stage.staged_studies set study_date = '{}' where row_key = '{}'"
    for day, cells in ((second["day"], []), (first["day"], [("studies", "study_date")])):
        changed.execute(update.format(day, first["row_key"]))
        assert to_remove(check(changed)) == cells


def test_a_time_stamp_is_compared_by_its_day(changed: Warehouse) -> None:
    changed.execute(
        "alter table stage.staged_images alter acquisition_date type timestamp; update"
        " stage.staged_images set acquisition_date = acquisition_date +"
        f" interval 10 hour + {ORACLE.shift_days(key_of(WEEKLY))} * interval 1 day"
        f" where {of(WEEKLY)}"
    )
    assert to_remove(check(changed)) == [("images", "acquisition_date")] * 58


def accept_risk(column: str) -> AttributeMapping:
    mapping = load_mapping()
    return AttributeMapping(
        tuple(
            replace(a, research="keep", accepted_risk="A reason.") if a.column == column else a
            for a in mapping.attributes
        )
    )


def test_a_column_with_an_accepted_risk_is_exempt_and_reported(changed: Warehouse) -> None:
    value = "'Oberkampf head'"
    for table in ("stage.staged_studies", "processed.processed_studies"):
        changed.execute(f"update {table} set study_description = {value} where {of(ADA)}")
    report = check(changed, mapping=accept_risk("study_description"))
    assert (report.findings, report.found) == ([], 0)
    assert report.exempt == ["stage.staged_studies.study_description"]
    assert check(changed).exempt == []


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("studies", "study_key", "'1.2.840.0'"),
        ("studies", "row_key", "'Oberkampf'"),
        ("studies", "stage_version", "'Oberkampf'"),
        ("images", "transfer_syntax_uid", "'Oberkampf'"),
        ("images", "instance_precedence", "'20130607'"),
        ("images", "leaked_cells", "['Oberkampf']"),
    ],
)
def test_a_technical_column_without_its_form_prevents_publication(
    changed: Warehouse, table: str, column: str, value: str
) -> None:
    changed.execute(f"update stage.staged_{table} set {column} = {value} where {of(ADA)}")
    assert found(changed) == [(f"stage.staged_{table}", column, 1)]


@pytest.mark.parametrize(
    ("table", "column"),
    [("studies", "age_years"), ("patients", "first_age_years"), ("patients", "last_age_years")],
)
def test_an_age_over_90_years_as_a_number_prevents_publication(
    changed: Warehouse, table: str, column: str
) -> None:
    for age in (0.01, 0.58, 44, 90):
        changed.execute(f"update processed.processed_{table} set {column} = {age} where {of(ADA)}")
        assert found(changed) == []
    for age in (91, 90.5, 44.125, 471100):
        changed.execute(f"update processed.processed_{table} set {column} = {age} where {of(ADA)}")
        assert found(changed) == [(f"processed_{table}", column, 1)]


def test_a_text_of_the_result_is_a_count_and_no_value(changed: Warehouse) -> None:
    changed.execute("update stage.staged_studies set study_description = 'Oberkampf Quastenberg'")
    report = check(changed)
    [row] = report.rows.to_pylist()
    assert "Oberkampf" not in str(report) and row["row_key"] not in str(report)
    assert "Oberkampf" not in str(row)


def test_an_error_of_a_query_has_no_value(
    people: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(connection: duckdb.DuckDBPyConnection, _: Path) -> None:
        connection.execute("select 'Oberkampf'::integer")

    monkeypatch.setattr(check_module, "load_terms", failing)
    with pytest.raises(LeakCheckError) as caught:
        check(people)
    assert "Oberkampf" not in str(caught.value) and caught.value.__cause__ is None
