"""The leak check finds identifiers that remain after cleaning, and nothing else."""

import pytest

from dicom_pipeline.warehouse.leak_check.report import Finding

from .archive import file
from .conftest import KEY, Warehouse
from .leaks import check, found
from .oracle import Oracle

ORACLE = Oracle(KEY)
HAND = {
    "PatientID": "H-77",
    "IssuerOfPatientID": "",
    "PatientName": "Hand^Li",
    "BodyPartExamined": "HAND",
    "StudyDate": "20130607",
    "StudyDescription": "hand and head",
    "ReferringPhysicianName": "Kurtz^Otto",
    "PatientTelephoneNumbers": "0228 287-15000",
}
PHILIPS = {"PatientID": "P-1", "PatientName": "Philips^Anna", "Manufacturer": "Philips"}
CHINESE = {"PatientID": "C-1", "PatientName": "李", "StudyDescription": "head 李"}
# a kept value that identifies the patient: stage sets it to null and publishes the other rows
REVEALING = {"PatientID": "T-1", "PatientName": "Oberkampf^Ada", "EthnicGroup": "Oberkampf family"}

# files with values that must not stop the publication of the other patients
ODD = {
    "exporters write it": {"PatientID": "NULL", "PatientName": "NULL", "Manufacturer": "NULL"},
    "the vendor's default": {
        "PatientID": "V-1",
        "InstitutionName": "GE Medical Systems",
        "Manufacturer": "GE MEDICAL SYSTEMS",
    },
    "a number as a model": {"PatientID": "12-34-56", "ManufacturerModelName": "Ingenia 12-34-56"},
    "no class": {"PatientID": "K-1", "SOPClassUID": "'); drop table x; --"},
    "over a backslash": {"PatientID": "AB-CD", "EthnicGroup": "ab\\cd"},
    "a terminal's escape": {
        "PatientID": "E-1",
        "SoftwareVersions": "4.1\x1b]0;x\x07\\\u202e2 \x9b1m",
    },
}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("people"))
    warehouse.create()
    everybody = [HAND, PHILIPS, CHINESE, REVEALING]
    files = [file(f"{n}", "1", 1, **person) for n, person in enumerate(everybody)]
    files += [file(f"1{n}", "1", 1, PatientID=f"N-{n}", PatientName=f"Nn{n}x") for n in range(6)]
    files += [
        file(f"2{n}", "1", 1, **({"DeviceSerialNumber": f"odd {n}"} | person))
        for n, person in enumerate(ODD.values())
    ]
    warehouse.raw.write("2013-06", files)
    warehouse.build()
    return warehouse


def patient(person: dict[str, str]) -> str:
    issuer = person.get("IssuerOfPatientID", "CLINIC")
    key = ORACLE.patient_key(person["PatientID"], issuer or None)
    return f"patient_key = '{key}'"


def test_nothing_is_found_in_the_tables_that_the_models_build(people: Warehouse) -> None:
    report = check(people)
    assert (report.findings, report.found) == ([], 0)
    assert report.patients == 10 + len(ODD) and report.terms > 30 and report.columns > 150


def test_body_part_vendor_and_modality_are_kept_even_if_a_patient_has_that_name(
    people: Warehouse,
) -> None:
    [row] = people.rows(f"select * from processed.processed_series where {patient(HAND)}")
    assert row["body_part_examined"] == "HAND"
    [row] = people.rows(f"select * from processed.processed_studies where {patient(HAND)}")
    assert row["study_description"] == "[removed] and head"
    makers = people.rows("select manufacturer from processed.processed_devices")
    assert {"manufacturer": "Philips"} in makers


def test_one_irregular_file_does_not_stop_the_publication_of_others(people: Warehouse) -> None:
    devices = people.rows("select * from processed.processed_devices")
    assert {"NULL", "GE MEDICAL SYSTEMS"} <= {row["manufacturer"] for row in devices}
    models = {row["manufacturer_model_name"] for row in devices}
    assert any(model.startswith("Ingenia") for model in models)
    assert not any("34" in model for model in models)
    [versions] = [found for row in devices if (found := row["software_versions"])]
    assert sorted(versions) == [" 2  1m", "4.1 ]0;x "]
    classes = {row["sop_class_uid"] for row in people.rows("from processed.processed_images")}
    assert classes == {None, "1.2.840.10008.5.1.4.1.1.2"}


def test_a_kept_value_that_identifies_the_patient_becomes_null_and_is_counted(
    people: Warehouse,
) -> None:
    [row] = people.rows(f"select * from stage.staged_patients where {patient(REVEALING)}")
    assert row["ethnic_group"] is None
    assert row["leaked_cells"] == ["ethnic_group"]
    assert row["failed_casts"] == []
    nulled = [Finding("stage.staged_patients", "ethnic_group", 2, "were nulled")]
    assert check(people).nulled == nulled


LEAKS = [
    ("studies", "study_description", "'head of Mr Hand'", HAND),
    ("studies", "study_description", "'LI'", HAND),
    ("studies", "study_description", "'H77 head'", HAND),
    ("studies", "study_description", "'of 7.6.2013'", HAND),
    ("studies", "study_description", "'of 07-JUN-2013'", HAND),
    ("studies", "study_description", "'Holy'", HAND),
    ("studies", "study_description", "'頭部李先生'", CHINESE),
    ("studies", "study_description", "'seen by KURTZ'", HAND),
    ("studies", "study_description", "'call 0228/287 15000'", HAND),
    ("studies", "medical_alerts", "['head', 'hand']", HAND),
    ("series", "series_description", "'ANNA_PHILIPS'", PHILIPS),
    ("patients", "patient_id", "'H-77'", HAND),
    ("images", "image_type", "['ORIGINAL', 'HAND']", HAND),
    ("images", "sop_instance_uid", "'1.2.840.0.1.1'", HAND),
    ("images", "study_key", "'1.2.840.0'", HAND),
    ("series", "modality", "'HAND'", HAND),
]


@pytest.mark.parametrize(("table", "column", "value", "who"), LEAKS)
def test_a_term_of_the_patient_is_found(
    changed: Warehouse, table: str, column: str, value: str, who: dict[str, str]
) -> None:
    name = f"processed_{table}"
    changed.execute(f"update processed.{name} set {column} = {value} where {patient(who)}")
    assert found(changed) == [(name, column, 1)]


@pytest.mark.parametrize(
    "value", ["'head of Mr Young'", "'handle'", "'lip'", "'2013'", "'head 77'", "'[removed]'"]
)
def test_text_that_is_not_a_term_of_the_patient_is_accepted(changed: Warehouse, value: str) -> None:
    changed.execute(
        f"update processed.processed_studies set study_description = {value} where {patient(HAND)}"
    )
    assert found(changed) == []


def test_the_name_of_another_patient_is_not_a_leak(changed: Warehouse) -> None:
    changed.execute(
        f"update processed.processed_studies set study_description = 'hand'"
        f" where {patient(PHILIPS)}"
    )
    assert found(changed) == []


def test_the_name_of_any_patient_in_the_device_table_is_found(changed: Warehouse) -> None:
    changed.execute(
        "update processed.processed_devices set manufacturer = 'for Anna Oberkampf'"
        " where manufacturer = 'Philips'"
    )
    assert found(changed) == [("processed_devices", "manufacturer", 1)]


def test_a_line_without_a_word_in_the_list_of_the_site_hides_no_leak(changed: Warehouse) -> None:
    changed.execute("insert into internal.allowed_words_site values (null, 'an empty cell')")
    changed.execute(
        "update processed.processed_devices set manufacturer = 'for Anna Oberkampf'"
        " where manufacturer = 'Philips'"
    )
    assert found(changed) == [("processed_devices", "manufacturer", 1)]


def test_dates_that_were_not_shifted_are_found(changed: Warehouse) -> None:
    changed.execute(
        f"update processed.processed_studies set study_date = date '2013-06-07'"
        f" where {patient(HAND)}"
    )
    assert found(changed) == [("processed_studies", "study_date", 1)]


def test_a_column_set_to_null_for_all_patients_is_reported_as_a_wrong_mapping(
    changed: Warehouse,
) -> None:
    changed.execute("update stage.staged_patients set ethnic_group = null,"
                   " leaked_cells = ['ethnic_group']")  # fmt: skip
    assert found(changed) == [("stage.staged_patients", "ethnic_group", 10 + len(ODD))]


def test_the_message_about_a_leak_contains_no_value(changed: Warehouse) -> None:
    changed.execute("update processed.processed_studies set study_description = 'Oberkampf'")
    message = str(check(changed))
    assert "study_description" in message
    assert "berkampf" not in message and "T-1" not in message


VIEWS = (
    "completeness", "device_software", "series_geometry", "studies_by_modality", "study_intervals",
)  # fmt: skip


def without_views(warehouse: Warehouse) -> Warehouse:
    """Replace views by tables, as the check sees them with Snowflake."""
    for view in VIEWS:
        warehouse.execute(
            f"create table processed.made as from processed.{view}; drop view processed.{view};"
            f" alter table processed.made rename to {view}"
        )
    return warehouse


def test_words_of_the_models_are_not_a_leak_even_if_a_patient_has_that_name(
    changed: Warehouse,
) -> None:
    named = ["Axial^Kvp", "Sagittal^Sop", "Processed^Gantry", "Sar^Rows", "Oblique^Bdt"]
    changed.raw.write(
        "2013-07",
        [
            file(f"3{n}", "1", place, PatientID=f"W-{n}", PatientName=who, Modality="MR")
            for n, who in enumerate(named)
            for place in range(2)
        ],
    )
    changed.build()
    before = check(changed).columns
    without_views(changed)
    changed.execute("update processed.series_geometry set orientation_plane = 'axial'")
    changed.execute(
        "insert into processed.series_geometry select * replace ('sagittal' as orientation_plane)"
        " from processed.series_geometry union all"
        " select * replace ('oblique' as orientation_plane) from processed.series_geometry"
    )
    report = check(changed)
    assert report.findings == []
    assert report.columns == before + sum(
        row["n"]
        for row in changed.rows(
            "select count(*) as n from duckdb_columns() where schema_name = 'processed'"
            f" and table_name in {VIEWS}"
        )
    )


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("completeness", "column_name", "'Hand'"),
        ("completeness", "table_name", "'Hand Li'"),
        ("series_geometry", "orientation_plane", "'of Hand'"),
        ("series_geometry", "body_part_examined", "'of Li'"),
        ("device_software", "manufacturer", "'Oberkampf'"),
        ("device_software", "software_version", "'Oberkampf'"),
        ("studies_by_modality", "modality", "'OBERKAMPF'"),
        ("study_intervals", "previous_study_key", "'1.2.3'"),
    ],
)
def test_a_leak_in_a_view_is_found(changed: Warehouse, table: str, column: str, value: str) -> None:
    without_views(changed)
    if table == "study_intervals":
        changed.execute("insert into processed.study_intervals (previous_study_key) values ('a')")
    key = ORACLE.patient_key("H-77")
    of_hand = f" where patient_key = '{key}'" if table == "series_geometry" else ""
    changed.execute(f"update processed.{table} set {column} = {value}{of_hand}")
    tables = {(t, c) for t, c, _ in found(changed)}
    assert tables == {(table, column)}
