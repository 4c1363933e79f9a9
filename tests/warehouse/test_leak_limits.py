"""Limits of the leak check: cells are removed, unless so many show that the mapping is wrong."""

from __future__ import annotations

import pytest

from dicom_pipeline.warehouse.leak_check.findings_file import findings_path
from dicom_pipeline.warehouse.leak_check.report import Finding, LeakReport, Limits, RemovedCells

from .archive import file
from .conftest import KEY, Warehouse
from .leaks import check, to_remove, write
from .oracle import Oracle

PEOPLE = 20
TEXTS = 2  # per patient
PAIRS = PEOPLE * TEXTS
TABLE = "stage.staged_studies"
COLUMN = "study_description"


def name(number: int) -> str:
    return f"Quasten{chr(97 + number) * 3}"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Patients with two descriptions each, the second in two studies."""
    warehouse = Warehouse(tmp_path_factory.mktemp("limits"))
    warehouse.create()
    texts = ("head", "chest", "chest")
    files = [
        file(f"{n}.{study}", "1", 1, PatientID=f"L-{n}", PatientName=f"{name(n)}^Ada",
             StudyDescription=text, DeviceSerialNumber=f"D-{n}", EthnicGroup="WHITE")
        for n in range(PEOPLE) for study, text in enumerate(texts)
    ]  # fmt: skip
    for period in ("2013-06", "2013-07"):
        warehouse.raw.write(period, files[0::2] if period == "2013-06" else files[1::2])
    warehouse.build()
    return warehouse


def leak(warehouse: Warehouse, patients: range, text: str = "head") -> None:
    """Put the name of each patient into its descriptions with a text."""
    for number in patients:
        key = Oracle(KEY).patient_key(f"L-{number}", "CLINIC")
        warehouse.execute(
            f"update {TABLE} set {COLUMN} = '{name(number)}'"
            f" where patient_key = '{key}' and {COLUMN} = '{text}'"
        )


def remove(warehouse: Warehouse, report: LeakReport) -> None:
    """Apply the findings, as the stage models do."""
    write(findings_path(warehouse.directory), report.rows.to_pylist())
    for row in report.rows.to_pylist():
        warehouse.execute(
            f"update stage.staged_{row['table_name']} set {row['column_name']} = null, leaked_cells"
            f" = list_append(leaked_cells, '{row['column_name']}')"
            f" where period_key = '{row['period_key']}' and row_key = '{row['row_key']}'"
        )


def stopped(report: LeakReport) -> bool:
    assert {(f.table, f.column) for f in report.findings} <= {(TABLE, COLUMN)}
    return bool(report.findings)


@pytest.mark.parametrize(("patients", "limits", "stops"), [
    (1, Limits(), False),
    (4, Limits(), False),  # 10 % of the pairs, but of 4 patients
    (5, Limits(), True),
    (5, Limits(patients=6), False),
    (6, Limits(patients=6), True),
    (10, Limits(fraction=10 / PAIRS), False),  # as many as the limit, not more
    (11, Limits(fraction=10 / PAIRS), True),
    (PEOPLE, Limits(), True),
])  # fmt: skip
def test_a_column_stops_publication_above_both_limits(
    changed: Warehouse, patients: int, limits: Limits, stops: bool
) -> None:
    leak(changed, range(patients))
    report = check(changed, limits)
    assert stopped(report) == stops
    assert report.found == patients
    assert to_remove(report) == [("studies", COLUMN)] * patients


@pytest.mark.parametrize(("devices", "stops"), [(4, False), (5, True)])
def test_devices_are_counted_in_their_table_and_patients_in_the_others(
    changed: Warehouse, devices: int, stops: bool
) -> None:
    """All devices were used by one more patient, so the cells have the name of one patient."""
    keys = changed.rows("select distinct device_key as key from stage.staged_images order by key")
    patient = f"patient_key = '{Oracle(KEY).patient_key('L-0', 'CLINIC')}'"
    for row in keys[:devices]:
        changed.execute(
            f"insert into stage.staged_images select * replace ('{row['key']}' as device_key)"
            f" from stage.staged_images where {patient} limit 1;"
            f" update stage.staged_devices set manufacturer = '{name(0)}'"
            f" where device_key = '{row['key']}'"
        )
    report = check(changed, Limits(fraction=0))
    tables = [(found.table, found.column) for found in report.findings]
    assert tables == ([("stage.staged_devices", "manufacturer")] if stops else [])
    assert set(to_remove(report)) == {("devices", "manufacturer")}
    if stops:
        assert f"of {devices} devices" in str(report.findings[0])


@pytest.mark.parametrize(("patients", "others", "stops"), [
    (4, 0, False),
    (5, 0, True),
    (10, 10, False),  # half
    (11, 9, True),
    (PEOPLE, 0, True),
])  # fmt: skip
def test_a_kept_column_that_stage_nulled_for_most_patients_stops_publication(
    changed: Warehouse, patients: int, others: int, stops: bool
) -> None:
    keys = [Oracle(KEY).patient_key(f"L-{number}", "CLINIC") for number in range(PEOPLE)]
    changed.execute(f"delete from stage.staged_patients where patient_key not in"
                    f" {tuple(keys[: patients + others])}")  # fmt: skip
    changed.execute("update stage.staged_patients set ethnic_group = null,"
                    f" leaked_cells = ['ethnic_group'] where patient_key in"
                    f" {tuple(keys[:patients])}")  # fmt: skip
    findings = [(found.table, found.column) for found in check(changed).findings]
    assert findings == ([("stage.staged_patients", "ethnic_group")] if stops else [])


def test_equal_values_of_a_patient_count_once_and_all_their_cells_are_removed(
    changed: Warehouse,
) -> None:
    leak(changed, range(10), "chest")
    limits = Limits(fraction=10 / PAIRS)
    report = check(changed, limits)
    assert (stopped(report), report.found) == (False, 20)
    leak(changed, range(10, 11), "chest")
    report = check(changed, limits)
    assert (stopped(report), report.found) == (True, 22)
    assert str(report.findings[0]) == (
        f"{TABLE}.{COLUMN}: 22 cells of 11 patients hold an identifier of a patient "
        f"(11 of {PAIRS} distinct values): see its mapping"
    )


def test_cells_that_were_removed_earlier_still_count(changed: Warehouse) -> None:
    leak(changed, range(4))
    report = check(changed)
    assert not stopped(report)
    remove(changed, report)
    again = check(changed, after_removal=True)
    assert (again.findings, again.found) == ([], 0)
    assert again.removed == [RemovedCells(TABLE, COLUMN, 4, 4)]
    assert to_remove(again) == [("studies", COLUMN)] * 4

    leak(changed, range(4, 5))
    report = check(changed)
    assert report.found == 1 and report.removed == [RemovedCells(TABLE, COLUMN, 4, 4)]
    assert stopped(report)
    assert to_remove(report) == [("studies", COLUMN)] * 5


def test_the_counts_are_the_same_before_and_after_the_removal(changed: Warehouse) -> None:
    limits = Limits(fraction=10 / PAIRS)
    leak(changed, range(10), "chest")
    remove(changed, check(changed, limits))
    assert check(changed, limits, after_removal=True).findings == []
    assert stopped(check(changed, Limits(fraction=9.5 / PAIRS)))


def test_a_cell_that_is_found_after_the_removal_prevents_publication(changed: Warehouse) -> None:
    leak(changed, range(1))
    report = check(changed, after_removal=True)
    problem = "hold an identifier of a patient after the removal"
    assert report.findings == [Finding(TABLE, COLUMN, 1, problem)]


def test_removed_cells_do_not_count_as_cells_that_stage_nulled(changed: Warehouse) -> None:
    limits = Limits(patients=PEOPLE + 1)
    for text in ("head", "chest"):
        leak(changed, range(PEOPLE), text)
    report = check(changed, limits)
    assert report.found == PEOPLE * 3
    remove(changed, report)
    report = check(changed, limits)
    assert (report.findings, report.nulled) == ([], [])
    write(findings_path(changed.directory), [])
    assert stopped(check(changed, limits))


@pytest.mark.parametrize("column", ["base_version", "period_key"])
def test_findings_of_another_version_of_a_partition_do_not_count(
    changed: Warehouse, column: str
) -> None:
    leak(changed, range(4))
    report = check(changed)
    rows = report.rows.to_pylist()
    write(findings_path(changed.directory), [row | {column: "f" * 32} for row in rows])
    stale = check(changed)
    assert stale.removed == []
    assert stale.rows == report.rows
