"""The two profiles: their published description, their content, and the effect of a switch.

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
    """A copy of the built warehouse whose profile is switched."""
    root = tmp_path_factory.mktemp("switched")
    shutil.copytree(warehouse.root, root, dirs_exist_ok=True)
    return Warehouse(root)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The same archive in a warehouse that was built only with the strict profile."""
    warehouse = Warehouse(tmp_path_factory.mktemp("strict"))
    warehouse.create()
    for period, files in PERIODS.items():
        warehouse.raw.write(period, files)
    warehouse.build(DICOM_DEID_PROFILE="strict")
    return warehouse


def raw_files(warehouse: Warehouse) -> dict[Path, int]:
    """Return the modification time of each file of the raw zone."""
    found = sorted(warehouse.raw.root.rglob("*.parquet"))
    return {path.relative_to(warehouse.raw.root): path.stat().st_mtime_ns for path in found}


def mark(warehouse: Warehouse) -> None:
    """Mark every staged row; the mark remains until the row is rebuilt."""
    for table in STAGED:
        column = "file_size" if table == "images" else "file_count"
        warehouse.execute(f"update stage.staged_{table} set {column} = -1")


def unmarked(warehouse: Warehouse, table: str) -> int:
    column = "file_size" if table == "images" else "file_count"
    [row] = warehouse.rows(f"select count(*) as n from stage.staged_{table} where {column} <> -1")
    return int(row["n"])


def test_a_switch_to_strict_equals_a_first_build_with_strict(
    switched: Warehouse, strict: Warehouse
) -> None:
    before, raw = switched.content(), raw_files(switched)
    switched.build(DICOM_DEID_PROFILE="strict")
    assert switched.content() == strict.content()
    assert switched.content() != before
    assert raw_files(switched) == raw


def test_a_second_build_with_strict_rebuilds_no_partition(
    switched: Warehouse, strict: Warehouse
) -> None:
    mark(switched)
    switched.build(DICOM_DEID_PROFILE="strict")
    assert {table: unmarked(switched, table) for table in STAGED} == dict.fromkeys(STAGED, 0)


def test_a_switch_back_rebuilds_all_tables_that_differ_and_restores_their_content(
    switched: Warehouse, warehouse: Warehouse
) -> None:
    """Devices are equal in both profiles: their marks from the previous test remain."""
    raw = raw_files(switched)
    switched.build()
    assert {table for table in STAGED if unmarked(switched, table) == 0} == {"devices"}
    contents = switched.content(), warehouse.content()
    for content in contents:
        del content["stage.staged_devices"]
    assert contents[0] == contents[1]
    assert raw_files(switched) == raw


def test_each_profile_uses_its_own_mapping_column(warehouse: Warehouse, strict: Warehouse) -> None:
    """Columns that strict removes are null in every row of stage, and have values with research."""
    seen = 0
    for line in mapping_lines(warehouse.seed):
        name, table = line["column_name"], line["table_name"]
        count = f'select count("{name}") as n from stage.staged_{table}'
        if line["strict"] == "remove":
            assert strict.rows(count) == [{"n": 0}], name
            if line["research"] != "remove":
                seen += warehouse.rows(count)[0]["n"] > 0
    assert seen > 5


def test_strict_has_no_values_derived_from_dates_or_the_patient(
    strict: Warehouse, warehouse: Warehouse
) -> None:
    models = yaml.safe_load((strict.project / "models/processed/processed.yml").read_text())
    made = [
        (model["name"], column["name"])
        for model in models["models"]
        for column in model.get("columns", [])
        if column["name"].startswith(("first_", "last_", "days_", "patient_age", "patient_size"))
        or column["name"] in ("age_years", "study_number", "patient_weight")
    ]
    assert len(made) >= 16
    there = set()
    for table, column in made:
        count = f"select count({column}) as n from processed.{table}"
        assert strict.rows(count) == [{"n": 0}], (table, column)
        if warehouse.rows(count) != [{"n": 0}]:
            there.add(column)
    assert {"study_number", "days_since_previous_study", "first_patient_age", "age_years"} <= there


@pytest.mark.parametrize("profile", PROFILES)
def test_the_deidentification_table_names_the_profile_its_options_and_the_key(
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
