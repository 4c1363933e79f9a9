"""The two profiles: what they are called, what they leave, and what a switch builds again.

The tests of this module are steps of one history, in order: research, strict, research.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tools.deid_standard import BASIC_CODE, EDITION, OPTION_CODES, PROFILES

from .archive import PERIODS
from .conftest import KEY, Warehouse
from .oracle import hkdf
from .raw_zone import mapping_lines

STAGED = ("devices", "images", "patients", "series", "studies")


@pytest.fixture(scope="module")
def switched(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A copy of the built warehouse, to be switched to and fro."""
    root = tmp_path_factory.mktemp("switched")
    shutil.copytree(warehouse.root, root, dirs_exist_ok=True)
    return Warehouse(root)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The same archive in a warehouse that never was anything but strict."""
    warehouse = Warehouse(tmp_path_factory.mktemp("strict"))
    warehouse.create()
    for period, files in PERIODS.items():
        warehouse.raw.write(period, files)
    warehouse.build(DICOM_DEID_PROFILE="strict")
    return warehouse


def raw_files(warehouse: Warehouse) -> dict[Path, int]:
    """When each file of the raw zone was written."""
    found = sorted(warehouse.raw.root.rglob("*.parquet"))
    return {path.relative_to(warehouse.raw.root): path.stat().st_mtime_ns for path in found}


def mark(warehouse: Warehouse) -> None:
    """Leave a mark in every staged row: it is there as long as nobody builds the row again."""
    for table in STAGED:
        column = "file_size" if table == "images" else "file_count"
        warehouse.execute(f"update stage.staged_{table} set {column} = -1")


def unmarked(warehouse: Warehouse, table: str) -> int:
    column = "file_size" if table == "images" else "file_count"
    [row] = warehouse.rows(f"select count(*) as n from stage.staged_{table} where {column} <> -1")
    return int(row["n"])


def test_a_switch_to_strict_gives_what_a_fresh_strict_build_gives(
    switched: Warehouse, strict: Warehouse
) -> None:
    before, raw = switched.content(), raw_files(switched)
    switched.build(DICOM_DEID_PROFILE="strict")
    assert switched.content() == strict.content()
    assert switched.content() != before
    assert raw_files(switched) == raw


def test_building_strict_again_builds_no_partition_again(
    switched: Warehouse, strict: Warehouse
) -> None:
    mark(switched)
    switched.build(DICOM_DEID_PROFILE="strict")
    assert {table: unmarked(switched, table) for table in STAGED} == dict.fromkeys(STAGED, 0)


def test_a_switch_back_builds_all_of_what_differs_and_gives_what_was_there(
    switched: Warehouse, warehouse: Warehouse
) -> None:
    """Devices are the same under both profiles: their marks, left by the test before, stay."""
    raw = raw_files(switched)
    switched.build()
    assert {table for table in STAGED if unmarked(switched, table) == 0} == {"devices"}
    contents = switched.content(), warehouse.content()
    for content in contents:
        del content["stage.staged_devices"]
    assert contents[0] == contents[1]
    assert raw_files(switched) == raw


def test_neither_profile_is_read_from_another_column_than_its_own(
    warehouse: Warehouse, strict: Warehouse
) -> None:
    """What strict removes is null in every row of stage, and there under research."""
    seen = 0
    for line in mapping_lines(warehouse.seed):
        name, table = line["column_name"], line["table_name"]
        count = f'select count("{name}") as n from stage.staged_{table}'
        if line["strict"] == "remove":
            assert strict.rows(count) == [{"n": 0}], name
            if line["research"] != "remove":
                seen += warehouse.rows(count)[0]["n"] > 0
    assert seen > 5


def test_strict_leaves_no_column_that_was_made_of_dates_or_of_the_patient(
    strict: Warehouse, warehouse: Warehouse
) -> None:
    models = yaml.safe_load((strict.project / "models/processed/processed.yml").read_text())
    made = [
        (model["name"], column["name"])
        for model in models["models"]
        for column in model.get("columns", [])
        if column["name"].startswith(("first_", "last_", "days_", "patient_age", "patient_size"))
        or column["name"] in ("study_number", "patient_weight")
    ]
    assert len(made) >= 13
    there = set()
    for table, column in made:
        count = f"select count({column}) as n from processed.{table}"
        assert strict.rows(count) == [{"n": 0}], (table, column)
        if warehouse.rows(count) != [{"n": 0}]:
            there.add(column)
    assert {"study_number", "days_since_previous_study", "first_patient_age"} <= there


@pytest.mark.parametrize("profile", PROFILES)
def test_the_table_deidentification_names_the_profile_its_options_and_the_key(
    warehouse: Warehouse, strict: Warehouse, profile: str
) -> None:
    built = strict if profile == "strict" else warehouse
    rows = built.rows("from processed.deidentification order by code_value")
    codes = {BASIC_CODE} | {OPTION_CODES[option] for option in PROFILES[profile]}
    assert [row["code_value"] for row in rows] == sorted(codes)
    for row in rows:
        assert row["coding_scheme_designator"] == "DCM"
        assert (row["profile"], row["standard"]) == (profile, EDITION)
        assert row["key_id"] == hkdf(KEY, "key_id", 8)
