"""Counts of the build database, checked against rows written by hand."""

from __future__ import annotations

from pathlib import Path

import duckdb

from dicom_pipeline.warehouse.duckdb.table_counts import TableCounts, built_partitions, table_counts


def build(path: Path) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema stage")
        connection.execute("create schema processed")
        connection.execute(
            "create table stage.staged_images as select * from (values"
            " ('p1', 'v1', ['rows', 'columns'], []), ('p1', 'v1', ['rows'], ['modality']),"
            " ('p2', 'v1', [], [])) as t(period_key, stage_version, failed_casts, leaked_cells)"
        )
        connection.execute(
            "create table processed.processed_series as select * from (values"
            " ('a', ['laterality'], true), ('b', [], false))"
            " as t(series_key, conflicting_attributes, has_conflict)"
        )
        connection.execute("create view processed.v as select 1 as x")
        connection.execute("create table main.other as select 1 as x")
    return path


def test_rows_failed_casts_nulled_cells_and_conflicts_are_counted_by_column(tmp_path: Path) -> None:
    assert table_counts(build(tmp_path / "build.duckdb")) == {
        ("stage", "staged_images"): TableCounts(
            3, casts_failed={"rows": 2, "columns": 1}, cells_nulled={"modality": 1}
        ),
        ("processed", "processed_series"): TableCounts(
            2, conflicts={"laterality": 1}, conflicting_rows=1
        ),
    }


def test_the_partitions_of_a_staged_table_are_returned_with_their_versions(tmp_path: Path) -> None:
    assert built_partitions(build(tmp_path / "build.duckdb")) == {
        ("stage", "staged_images"): {("p1", "v1"), ("p2", "v1")}
    }


def test_a_missing_build_database_has_no_tables(tmp_path: Path) -> None:
    assert table_counts(tmp_path / "none.duckdb") == {}
    assert built_partitions(tmp_path / "none.duckdb") == {}
    assert not (tmp_path / "none.duckdb").exists()
