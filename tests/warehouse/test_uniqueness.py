"""The table uniqueness: equal to a plain count of the published rows, without any value of them."""

from __future__ import annotations

import csv
import math
import random
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dicom_pipeline.config.settings import load_settings

from .conftest import Warehouse

Row = dict[str, Any]
Tables = dict[str, list[Row]]
SIZES = ((1, 1), (2, 4), (5, 10), (11, None))
HEAD = "table_name,column_name,bin_width,reason\n"
PATIENTS = {
    "patient_sex": "varchar", "ethnic_group": "varchar", "smoking_status": "varchar",
    "first_patient_age": "varchar", "first_patient_size": "double",
    "first_patient_weight": "double", "study_count": "bigint", "days_observed": "bigint",
    "modalities": "varchar[]",
}  # fmt: skip
COLUMNS = {
    "patients": {"patient_key": "varchar", **PATIENTS},
    "studies": {"patient_key": "varchar", "study_date": "date"},
    "series": {"patient_key": "varchar", "body_part_examined": "varchar"},
    "images": {
        "patient_key": "varchar", "study_key": "varchar", "series_key": "varchar",
        "device_key": "varchar", "image_type": "varchar[]", "slice_thickness": "double",
    },
    "devices": {
        "device_key": "varchar", "manufacturer": "varchar", "manufacturer_model_name": "varchar",
    },
}  # fmt: skip
SEEDS = {
    "the seed of the project": None,
    "one column": "patients,patient_sex,,\n",
    "every table and type": (
        "patients,first_patient_age,5,\npatients,first_patient_size,0.05,\n"
        "patients,days_observed,30,\npatients,modalities,,\nstudies,study_date,,\n"
        "series,body_part_examined,,\nimages,image_type,,\nimages,slice_thickness,,\n"
        "images,echo_time,0.5,\ndevices,manufacturer,,\n"
    ),
}


def years(age: str) -> Fraction:
    in_one_year = {"Y": 1, "M": 12, "W": Fraction("52.18"), "D": Fraction("365.25")}
    return Fraction(int(age[:3])) / in_one_year[age[3]]


def compared(value: Any, column: str, width: str) -> Any:
    if value is None:
        return None
    if width:
        number = years(value) if column.endswith("patient_age") else Fraction(str(value))
        return math.floor(number / Fraction(width))
    return tuple(value) if isinstance(value, list) else value


def patients_by_profile(
    profiles: dict[str, dict[Any, Any]], columns: Iterable[Any]
) -> dict[tuple[Any, ...], list[str]]:
    classes: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    wanted = list(columns)
    for patient, profile in profiles.items():
        classes[tuple(profile[column] for column in wanted)].append(patient)
    return classes


def expected(tables: Tables, lines: list[dict[str, str]]) -> list[tuple[Any, ...]]:
    """Count classes over rows, without SQL."""
    users = defaultdict(set)
    for image in tables["images"]:
        users[image["device_key"]].add(image["patient_key"])
    tables = tables | {
        "devices": [
            row | {"patient_key": patient}
            for row in tables["devices"]
            for patient in users[row["device_key"]]
        ]
    }
    names = [(line["table_name"], line["column_name"]) for line in lines]
    profiles: dict[str, dict[Any, Any]] = {
        row["patient_key"]: {name: frozenset() for name in names} for row in tables["patients"]
    }
    for line in lines:
        table, column = line["table_name"], line["column_name"]
        for row in tables[table]:
            value = compared(row.get(column), column, line["bin_width"])
            if value is not None and row["patient_key"] in profiles:
                profiles[row["patient_key"]][table, column] |= {value}

    def unique(columns: Iterable[Any]) -> set[str]:
        classes = patients_by_profile(profiles, columns).values()
        return {patients[0] for patients in classes if len(patients) == 1}

    rows: list[tuple[Any, ...]] = []
    for name in [None, *names]:
        classes = Counter(
            len(patients)
            for patients in patients_by_profile(profiles, [name] if name else names).values()
        )
        for low, high in SIZES:
            here = {n: c for n, c in classes.items() if low <= n <= (high or n)}
            count = sum(n * c for n, c in here.items())
            added = None
            if name and low == 1:
                added = len(unique(names) - unique(other for other in names if other != name))
            rows.append(
                (
                    f"processed_{name[0]}" if name else None,
                    name[1] if name else None,
                    low,
                    high,
                    sum(here.values()),
                    count,
                    count / len(profiles) if profiles else None,
                    added,
                )
            )
    return sorted(rows, key=str)


def lines_of(seed: Path) -> list[dict[str, str]]:
    with seed.open(newline="") as file:
        return list(csv.DictReader(file))


def generated(patients: int, choice: random.Random) -> Tables:
    """Return rows of the published tables with few values, many of them missing."""
    tables: Tables = {name: [] for name in COLUMNS}
    bodies = ["CHEST", "HEAD", "CHEST,HEAD", "", "ÄÖ\u65e5", "1,2", "1", "2"]
    sizes = [1.2, 1.1, 1.15, 0.3, 1.7, 1.749999, 1.75, None]
    for number in range(choice.randint(1, 4)):
        tables["devices"].append(
            {
                "device_key": f"d{number}",
                "manufacturer": choice.choice(["A", "B", None]),
                "manufacturer_model_name": choice.choice(["One", "Two", None]),
            }
        )
    devices = [row["device_key"] for row in tables["devices"]]
    for number in range(patients):
        key = f"p{number}"
        tables["patients"].append(
            {
                "patient_key": key,
                "patient_sex": choice.choice(["F", "M", "F", "M", "O", None]),
                "ethnic_group": choice.choice([None, None, None, "x"]),
                "smoking_status": choice.choice([None, "YES"]),
                "first_patient_age": choice.choice(["044Y", "045Y", "011M", "012M", "053W", None]),
                "first_patient_size": choice.choice(sizes),
                "first_patient_weight": choice.choice([69.9, 70.0, 70.1, None]),
                "study_count": choice.randint(1, 3),
                "days_observed": choice.choice([0, 29, 30, None]),
                "modalities": choice.choice([["CT"], ["CT", "MR"], ["CT,MR"], [], None]),
            }
        )
        for _ in range(choice.randint(0, 3)):
            date = choice.choice(["2001-02-03", "2001-02-04", None])
            tables["studies"].append({"patient_key": key, "study_date": date})
            body = choice.choice([*bodies, None])
            tables["series"].append({"patient_key": key, "body_part_examined": body})
            tables["images"].append(
                {
                    "patient_key": key, "study_key": "s", "series_key": "t",
                    "device_key": choice.choice([None, *devices]),
                    "image_type": choice.choice([["A", "B"], ["B", "A"], ["A"], [None], None]),
                    "slice_thickness": choice.choice([0.1 + 0.2, 0.3, 1.0, None]),
                }
            )  # fmt: skip
    return tables


def counted(sql: str, tables: Tables) -> list[tuple[Any, ...]]:
    """Run the compiled model on rows."""
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as build; create schema build.processed")
        for table, types in COLUMNS.items():
            types = types | ({"echo_time": "double"} if table == "images" else {})
            columns = ", ".join(f"{name} {type_}" for name, type_ in types.items())
            connection.execute(f"create table build.processed.processed_{table} ({columns})")
            places = ", ".join("?" * len(types))
            for row in tables[table]:
                connection.execute(
                    f"insert into build.processed.processed_{table} values ({places})",
                    [row.get(name) for name in types],
                )
        return sorted(connection.execute(sql).fetchall(), key=str)


@pytest.fixture(scope="module")
def seeds(changing: Warehouse) -> Iterator[Path]:
    seed = changing.project / "seeds" / "quasi_identifiers.csv"
    text = seed.read_text()
    yield seed
    seed.write_text(text)


@pytest.fixture(scope="module", params=SEEDS)
def compiled(
    request: pytest.FixtureRequest, changing: Warehouse, seeds: Path
) -> tuple[str, list[dict[str, str]]]:
    """SQL of the model for a seed, and the lines of the seed."""
    if lines := SEEDS[request.param]:
        seeds.write_text(HEAD + lines)
    done = changing.dbt("build", "--select", "quasi_identifiers", "uniqueness")
    assert done.returncode == 0, done.stdout
    [sql] = (changing.root / "target" / "compiled").rglob("uniqueness.sql")
    return sql.read_text(), lines_of(seeds)


def test_the_counts_equal_those_of_a_plain_count_of_generated_rows(
    compiled: tuple[str, list[dict[str, str]]],
) -> None:
    sql, lines = compiled
    choice = random.Random(18)
    sizes, added = set(), 0
    for patients in (0, 1, 2, 5, 11, *(choice.randint(3, 120) for _ in range(20))):
        tables = generated(patients, choice)
        rows = expected(tables, lines)
        assert counted(sql, tables) == rows
        sizes |= {row[2] for row in rows if row[4]}
        added += sum(row[7] or 0 for row in rows)
    assert sizes == {1, 2, 5, 11}
    assert added


def test_the_counts_of_the_built_archive_equal_those_of_its_published_rows(
    warehouse: Warehouse,
) -> None:
    tables = {table: warehouse.rows(f"from processed.processed_{table}") for table in COLUMNS}
    lines = lines_of(warehouse.project / "seeds" / "quasi_identifiers.csv")
    rows = warehouse.rows("from processed.uniqueness")
    assert sorted((tuple(row.values()) for row in rows), key=str) == expected(tables, lines)
    assert len(rows) == 4 * (len(lines) + 1)


def test_the_table_has_names_of_columns_and_counts_only(warehouse: Warehouse) -> None:
    lines = lines_of(warehouse.project / "seeds" / "quasi_identifiers.csv")
    names = {(f"processed_{line['table_name']}", line["column_name"]) for line in lines}
    [total] = warehouse.rows("select count(*) as n from processed.processed_patients")
    for row in warehouse.rows("from processed.uniqueness"):
        texts = {name: value for name, value in row.items() if isinstance(value, str)}
        assert not texts or tuple(texts.values()) in names
        counts = (row["class_count"], row["patient_count"], row["made_unique_count"] or 0)
        assert all(type(count) is int and 0 <= count <= total["n"] for count in counts)
        assert (row["min_class_size"], row["max_class_size"]) in SIZES
        assert 0 <= row["patient_fraction"] <= 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("patients,shoe_size,,\n", "patients.shoe_size: processed_patients has no such column"),
        ("patients,patient_age,,\n", "patients.patient_age: processed_patients has no such column"),
        ("people,patient_sex,,\n", "people.patient_sex: the table is patients, studies, series"),
        ("patients,patient_id,,\n", "patients.patient_id: a key, pseudonym or UID"),
        ("patients,patient_sex,10,\n", "patients.patient_sex: bin_width applies to numbers"),
        ("patients,first_patient_size,0,\n", "patients.first_patient_size: bin_width must be"),
        ("images,shared_functional_groups_sequence,,\n", "a sequence cannot be compared"),
        ("", "quasi_identifiers has no lines"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_used_stops_the_build_with_one_line_that_names_it(
    changing: Warehouse, seeds: Path, lines: str, message: str
) -> None:
    seeds.write_text(HEAD + lines)
    done = changing.dbt("build", "--select", "quasi_identifiers", "uniqueness")
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if message in line], done.stdout


def test_a_column_that_the_profile_removes_adds_nothing(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    shutil.copytree(warehouse.root, tmp_path, dirs_exist_ok=True)
    strict = Warehouse(tmp_path)
    strict.build(DICOM_DEID_PROFILE="strict")
    [total] = strict.rows("select count(*) as n from processed.processed_patients")
    rows = strict.rows("from processed.uniqueness where patient_count > 0")
    found = {row["column_name"]: row for row in rows if row["patient_count"] == total["n"]}
    for column in ("patient_sex", "ethnic_group", "first_patient_age", "first_patient_weight",
                   "days_observed"):  # fmt: skip
        assert found[column]["class_count"] == 1
    added = strict.rows("from processed.uniqueness where made_unique_count > 0")
    assert not {row["column_name"] for row in added} & found.keys()


@pytest.mark.parametrize(
    ("patients", "unique", "limit", "warns"),
    [
        (100, 9, None, False),
        (100, 10, None, True),
        (100, 20, "0.2", False),
        (100, 21, "0.2", True),
        (1000, 1, "0", True),
        (100, 100, "1.0", False),
        (99, 99, "0", False),
    ],
)
def test_the_check_warns_above_the_threshold_and_from_100_patients_on(
    changing: Warehouse, patients: int, unique: int, limit: str | None, warns: bool
) -> None:
    changing.execute(
        "delete from processed.uniqueness; insert into processed.uniqueness values"
        f" (null, null, 1, 1, {unique}, {unique}, {unique} / {patients}, null),"
        f" (null, null, 11, null, 1, {patients - unique}, {patients - unique} / {patients}, null),"
        f" ('processed_patients', 'patient_sex', 1, 1, {patients}, {patients}, 1, 0)"
    )
    environment = {"DICOM_MAX_UNIQUE_FRACTION": limit} if limit else {}
    done = changing.dbt("test", "--select", "few_patients_are_unique", **environment)
    assert done.returncode == 0, done.stdout
    assert ("WARN 1 few_patients_are_unique" in done.stdout) is warns


def test_dbt_alone_refuses_a_malformed_threshold(changing: Warehouse) -> None:
    done = changing.dbt(
        "test", "--select", "few_patients_are_unique", DICOM_MAX_UNIQUE_FRACTION="1; drop"
    )
    assert done.returncode == 1
    assert "DICOM_MAX_UNIQUE_FRACTION is a number from 0 to 1" in done.stdout


def test_dbt_alone_has_the_default_of_the_setting(warehouse: Warehouse) -> None:
    macro = warehouse.project / "macros" / "processed" / "max_unique_fraction.sql"
    assert f"'{load_settings({}).max_unique_fraction}'" in macro.read_text()
