"""Stage: kept values lose what identifies their own patient, and nothing because of another one."""

from __future__ import annotations

from typing import Any

import pytest

from .archive import file
from .conftest import KEY, Warehouse
from .leaks import check
from .oracle import Oracle

ORACLE = Oracle(KEY)
# a patient by the device on which she was examined, and the version of its software
TOBLER = {"PatientID": "T-47118", "PatientName": "Tobler^Anna", "StudyDate": "20190503"}
VER = {"PatientID": "V-1", "PatientName": "Ver^Pms", "StudyDate": "20190504"}
VERSIONS = [
    ("own name", TOBLER, "R2 Tobler", None),
    ("name of a stranger", TOBLER, "R2 Hr. Meier 0228 287-15000", None),
    ("date", TOBLER, "syngo MR E11 installed 20110101", None),
    ("rare name of another patient", VER, "R2 Tobler", None),
    ("short name of another patient", VER, "R2 Anna", ["R2 Anna"]),
    ("word of versions", VER, "Ver 2.1\\PMS/DICOM 4.0 MIMIT", ["Ver 2.1", "PMS/DICOM 4.0 MIMIT"]),
    ("several numbers", VER, "5.4.1\\5.4.1.0", ["5.4.1", "5.4.1.0"]),
]


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("devices"))
    warehouse.create()
    files = [
        file(f"{n}", "1", 1, **who, DeviceSerialNumber=device, SoftwareVersions=version)
        for n, (device, who, version, _) in enumerate(VERSIONS)
    ]
    # rows of devices that the headers do not identify
    without_device = dict.fromkeys(
        ("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "StationName"), ""
    )
    files += [
        file("10", "1", 1, **TOBLER, **without_device, SoftwareVersions="R3 Tobler"),
        file("11", "1", 1, **TOBLER, EthnicGroup="Hispanic or Latino", PatientSex="female"),
        file("12", "1", 1, **VER, EthnicGroup="Dr. Meier", PatientSex="Ver"),
    ]
    warehouse.raw.write("2019-05", files)
    warehouse.build()
    return warehouse


def key_of(serial: str) -> str:
    return ORACLE.id("device_key", f"14:ACME3:One{len(serial)}:{serial}")


def device(warehouse: Warehouse, serial: str) -> dict[str, Any]:
    where = f"device_key = '{key_of(serial)}'"
    [row] = warehouse.rows(f"select * from stage.staged_devices where {where}")
    return row


@pytest.mark.parametrize("number", range(len(VERSIONS)), ids=[name for name, *_ in VERSIONS])
def test_a_version_is_kept_unless_it_identifies_a_patient_of_its_device(
    devices: Warehouse, number: int
) -> None:
    serial, _, _, expected = VERSIONS[number]
    row = device(devices, serial)
    assert row["software_versions"] == expected
    assert row["leaked_cells"] == ([] if expected else ["software_versions"])
    assert row["failed_casts"] == []


def test_the_version_of_a_device_without_a_key_loses_the_terms_of_its_patients(
    devices: Warehouse,
) -> None:
    [row] = devices.rows("select * from stage.staged_devices where device_key is null")
    assert (row["software_versions"], row["leaked_cells"]) == (None, ["software_versions"])


def test_texts_and_codes_of_patients_are_kept_or_counted(devices: Warehouse) -> None:
    rows = {
        row["study_key"]: (
            row["ethnic_group"], row["patient_sex"], row["leaked_cells"], row["failed_casts"]
        )
        for row in devices.rows("select * from stage.staged_patients")
    }  # fmt: skip
    of = {n: rows[ORACLE.key("study_key", f"1.2.840.{n}")] for n in (11, 12)}
    assert of == {
        11: ("Hispanic or Latino", "F", [], []),
        12: (None, None, ["ethnic_group", "patient_sex"], []),
    }


def test_the_leak_check_agrees(devices: Warehouse) -> None:
    report = check(devices)
    assert (report.findings, report.found) == ([], 0)


def test_a_new_user_of_a_device_changes_its_earlier_rows(devices: Warehouse) -> None:
    """The patient is known with all terms; only the device is another one."""
    serial, _, _, kept = VERSIONS[4]
    assert device(devices, serial)["software_versions"] == kept
    devices.raw.write("2019-06", [file("0", "2", 1, **TOBLER, DeviceSerialNumber=serial)])
    devices.build()
    rows = devices.rows(f"select * from stage.staged_devices where device_key = '{key_of(serial)}'")
    assert [row["software_versions"] for row in rows] == [None, None]
