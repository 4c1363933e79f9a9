"""docs/queries.md: every query runs and returns the columns that the page shows."""

from __future__ import annotations

import re
from collections import defaultdict

import duckdb
import pydicom
import pytest

from dicom_pipeline.config.project import PROJECT_DIR
from tests.warehouse.oracle import Oracle

from .conftest import EXPLORED_KEY, Site

PAGE = PROJECT_DIR / "docs" / "queries.md"
SECTION = re.compile(r"^## (\d+)\. (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
SECTIONS = {int(number): (title, body) for number, title, body in SECTION.findall(PAGE.read_text())}


def sql_of(body: str) -> str:
    [sql] = re.findall(r"```sql\n(.*?)```", body, re.DOTALL)
    return str(sql)


def columns_of(body: str) -> list[str]:
    [shown] = re.findall(r"^Columns: (.*?)\n(?:\n|\Z)", body, re.MULTILINE | re.DOTALL)
    return re.findall(r"`(\w+)`", shown)


def test_the_page_has_twelve_queries() -> None:
    assert list(SECTIONS) == list(range(1, 13))
    assert PAGE.read_text().count("```sql") == 12


@pytest.mark.parametrize("number", SECTIONS, ids=[title for title, _ in SECTIONS.values()])
def test_a_query_returns_rows_with_the_documented_columns(explored: Site, number: int) -> None:
    _, body = SECTIONS[number]
    with duckdb.connect(str(explored.database), read_only=True) as connection:
        result = connection.execute(sql_of(body))
        assert [column[0] for column in result.description] == columns_of(body)
        rows = result.fetchall()
    assert rows
    assert len({str(row) for row in rows}) == len(rows)


def answer(site: Site, number: int) -> list[tuple[object, ...]]:
    return site.ask(sql_of(SECTIONS[number][1]))


def test_the_thin_slice_query_returns_the_generated_chest_series(explored: Site) -> None:
    [row] = answer(explored, 1)
    assert row[0] == Oracle(EXPLORED_KEY).key("series_key", "1.2.77.1.1")
    assert row[2:] == (20, 1.25, 1.25, 0.7, 0.8)


def test_every_series_that_is_not_a_volume_has_a_named_problem(explored: Site) -> None:
    rows = answer(explored, 2)
    assert all(problem for _, problem, _, _ in rows)
    [(others,)] = explored.ask(
        "select count(*) from processed.series_geometry where is_regular is distinct from true"
    )
    assert sum(int(str(series)) for _, _, series, _ in rows) == others


def test_problems_of_generated_series_are_named(explored: Site) -> None:
    rows = {(modality, problem): series for modality, problem, series, _ in answer(explored, 2)}
    for problem in (
        "tilted gantry", "slices are shifted in the plane", "several orientations", "several sizes",
        "several pixel spacings", "images outside the stack", "slices are missing", "uneven steps",
        "one slice", "frames without positions", "orientation is not orthogonal",
    ):  # fmt: skip
        assert ("CT", problem) in rows
    assert rows["MR", "mosaic"] == 2
    assert rows["MR", "time points at different positions"] == 1
    assert ("RTDOSE", "frames without positions") in rows


# usual parameters: sequence, repetition, echo and inversion time in ms
PROTOCOLS = [
    (["GR", "IR"], 2300, 2.98, 900, "T1"),  # MPRAGE
    (["GR", "IR"], 2000, 2.1, None, "T1"),  # MPRAGE whose inversion time is absent
    (["GR", "IR"], 2530, 3.3, 1100, "T1"),
    (["GR"], 8.2, 3.2, 450, "T1"),  # BRAVO
    (["SE"], 550, 12, None, "T1"),
    (["SE", "IR"], 2200, 10, 860, "T1"),  # T1 FLAIR
    (["SE", "IR"], 9000, 120, 2500, "FLAIR"),
    (["SE", "IR"], 5000, 390, 1800, "FLAIR"),
    (["SE", "IR"], 4500, 35, 160, "STIR"),
    (["SE"], 4200, 95, None, "T2"),
    (["SE"], 4200, 95, 0, "T2"),
    (["SE"], 2800, 14, None, "PD"),
    (["SE"], 2800, 14, 0, "PD"),
    (None, 2800, 14, None, "PD"),
    (["EP", "GR"], 2000, 30, None, "EPI"),
    (["EP", "SE"], 6500, 80, None, "EPI"),
    (["GR"], 1200, 20, None, "other"),  # T2*
]


def test_usual_mr_protocols_have_their_weighting() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create schema processed;"
            "create table processed.processed_series as select 'a' as series_key, 'MR' as modality;"
            "create table processed.processed_images (series_key varchar, scanning_sequence"
            " varchar[], repetition_time double, echo_time double, inversion_time double,"
            " magnetic_field_strength double, mr_acquisition_type varchar)"
        )
        for *values, weighting in PROTOCOLS:
            connection.execute("delete from processed.processed_images")
            connection.execute(
                "insert into processed.processed_images values ('a', ?, ?, ?, ?, 3, '3D')", values
            )
            [(found, *_)] = connection.execute(sql_of(SECTIONS[5][1])).fetchall()
            assert found == weighting, values


def test_the_follow_up_query_returns_all_pairs_of_a_patient(explored: Site) -> None:
    # the first patient has ten CT studies and two MR studies in fifteen months
    first = Oracle(EXPLORED_KEY).patient_key("first")
    pairs = [row for row in answer(explored, 3) if row[0] == first]
    assert len(pairs) == 10 * 9 // 2 + 1
    assert all(30 <= int(str(row[3])) <= 1826 for row in pairs)


def test_multi_frame_images_equal_those_that_pydicom_finds(explored: Site) -> None:
    files: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for path in explored.landing.rglob("*"):
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
        except (OSError, pydicom.errors.InvalidDicomError):
            continue
        number = str(
            header.get("NumberOfFrames") or 1
        )  # one file of the sample has letters in this attribute
        if header.get("SeriesInstanceUID"):
            frames = int(number) if number.isdigit() else 1
            files[header.SeriesInstanceUID].append((header.SOPInstanceUID, frames))
    # only one version of an image is published
    expected = {
        Oracle(EXPLORED_KEY).key("series_key", uid): sum(n for _, n in images if n > 1)
        for uid, images in files.items()
        if len({instance for instance, _ in images}) == len(images)
    }
    found = {str(row[1]): row[4] for row in answer(explored, 8)}
    assert found
    assert {k: n for k, n in expected.items() if n} == {
        key: n for key, n in found.items() if key in expected
    }


def test_a_patient_with_two_sexes_is_reported_as_a_conflict(explored: Site) -> None:
    assert ("patient", "patient_sex", 1) in answer(explored, 10)


def test_the_page_shows_locate_and_the_readme_links_the_page() -> None:
    assert "dicom-pipeline locate --query-file" in PAGE.read_text()
    assert "(docs/queries.md)" in (PROJECT_DIR / "README.md").read_text()
