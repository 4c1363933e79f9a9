"""A build loads only the seeds whose table has other rows than the file, whoever loaded it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dicom_pipeline.warehouse.duckdb.loaded_seeds import loaded_seeds

ROWS = 'word,number,flag\nhand,1,true\n"a, ""b""",,false\nnull,3,\n'


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    path = tmp_path / "words.csv"
    path.write_text(ROWS)
    return path


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """The table as dbt loads it: typed, and without the word null."""
    path = tmp_path / "build.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """
            create schema internal;
            create table internal.words (word varchar, number integer, flag boolean);
            insert into internal.words values
                ('hand', 1, true), ('a, "b"', null, false), (null, 3, null)
            """
        )
    return path


def change(build: Path, statement: str) -> None:
    with duckdb.connect(str(build)) as connection:
        connection.execute(statement)


def test_a_seed_with_the_rows_of_its_file_is_loaded(build: Path, seed: Path) -> None:
    assert loaded_seeds(build, [seed]) == ["words"]


@pytest.mark.parametrize(
    "statement",
    [
        "insert into internal.words values ('page', 1, true)",
        "insert into internal.words values ('hand', 1, true)",
        "delete from internal.words where word = 'hand'",
        "update internal.words set word = 'page' where word = 'hand'",
        "update internal.words set flag = null where word = 'hand'",
        "alter table internal.words drop column flag",
        "drop table internal.words",
    ],
)
def test_a_table_with_other_rows_is_loaded_again(build: Path, seed: Path, statement: str) -> None:
    """For example, dbt was called by hand while the file had another content."""
    change(build, statement)
    assert loaded_seeds(build, [seed]) == []


@pytest.mark.parametrize("text", [ROWS + "page,1,true\n", ROWS.replace("hand", "page"), "x\n1\n"])
def test_a_changed_file_is_loaded(build: Path, seed: Path, text: str) -> None:
    seed.write_text(text)
    assert loaded_seeds(build, [seed]) == []


def test_nothing_is_loaded_without_a_database_or_a_file(
    tmp_path: Path, build: Path, seed: Path
) -> None:
    assert loaded_seeds(tmp_path / "none.duckdb", [seed]) == []
    seed.unlink()
    assert loaded_seeds(build, [seed]) == []
