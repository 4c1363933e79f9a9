"""The cookbook: every query of the page runs, and gives the columns that the page shows."""

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


def test_there_are_twelve() -> None:
    assert list(SECTIONS) == list(range(1, 13))
    assert PAGE.read_text().count("```sql") == 12


@pytest.mark.parametrize("number", SECTIONS, ids=[title for title, _ in SECTIONS.values()])
def test_a_query_gives_the_columns_that_are_shown_and_some_rows(
    explored: Site, number: int
) -> None:
    _, body = SECTIONS[number]
    with duckdb.connect(str(explored.database), read_only=True) as connection:
        result = connection.execute(sql_of(body))
        assert [column[0] for column in result.description] == columns_of(body)
        rows = result.fetchall()
    assert rows
    assert len({str(row) for row in rows}) == len(rows)


def answer(site: Site, number: int) -> list[tuple[object, ...]]:
    return site.ask(sql_of(SECTIONS[number][1]))


def test_the_chest_series_with_thin_slices_is_the_one_that_was_made(explored: Site) -> None:
    [row] = answer(explored, 1)
    assert row[0] == Oracle(EXPLORED_KEY).key("series_key", "1.2.77.1.1")
    assert row[2:] == (20, 1.25, 1.25, 0.7, 0.8)


def test_every_series_that_is_no_volume_has_a_problem_with_a_name(explored: Site) -> None:
    rows = answer(explored, 2)
    assert all(problem for _, problem, _, _ in rows)
    [(others,)] = explored.ask(
        "select count(*) from processed.series_geometry where is_regular is distinct from true"
    )
    assert sum(int(str(series)) for _, _, series, _ in rows) == others


def test_follow_ups_are_pairs_of_the_first_patient(explored: Site) -> None:
    # thirteen studies of one patient in fifteen months, two of them MR, one of another patient
    first = Oracle(EXPLORED_KEY).patient_key("first")
    pairs = [row for row in answer(explored, 3) if row[0] == first]
    assert len(pairs) == 10 * 9 // 2 + 1
    assert all(30 <= int(str(row[3])) <= 1826 for row in pairs)


def test_multi_frame_images_are_those_that_pydicom_finds(explored: Site) -> None:
    files: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for path in explored.landing.rglob("*"):
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
        except (OSError, pydicom.errors.InvalidDicomError):
            continue
        number = str(header.get("NumberOfFrames") or 1)  # one file of the sample has letters there
        if header.get("SeriesInstanceUID"):
            frames = int(number) if number.isdigit() else 1
            files[header.SeriesInstanceUID].append((header.SOPInstanceUID, frames))
    # of an image with several versions only one is published
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


def test_a_patient_with_two_sexes_is_a_conflict(explored: Site) -> None:
    assert ("patient", "patient_sex", 1) in answer(explored, 10)


def test_the_page_names_the_way_to_the_files_and_the_readme_the_page() -> None:
    assert "dicom-pipeline locate --query-file" in PAGE.read_text()
    assert "(docs/queries.md)" in (PROJECT_DIR / "README.md").read_text()
