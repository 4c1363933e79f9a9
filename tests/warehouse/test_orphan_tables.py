"""Build database of another version: tables that are dropped, and messages."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import pytest

from dicom_pipeline.warehouse.build_fingerprint import build_outdated, write_fingerprint
from dicom_pipeline.warehouse.duckdb.orphan_tables import drop_orphan_tables

MANIFEST = {
    "nodes": {
        "model.p.a": {"resource_type": "model", "schema": "processed", "name": "a", "alias": "a"},
        "model.p.s": {"resource_type": "model", "schema": "stage", "name": "s", "alias": "s"},
        "model.p.h": {"resource_type": "model", "schema": "private", "name": "h", "alias": "h"},
        "model.p.v": {"resource_type": "model", "schema": "processed", "name": "v", "alias": "v"},
        "test.p.gone": {"resource_type": "test", "schema": "processed", "name": "gone"},
    }
}


@pytest.fixture
def build(tmp_path: Path) -> Path:
    path = tmp_path / "build.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """
            create schema processed; create schema stage; create schema internal;
            create schema private;
            create table processed.a as select 1 as x;
            create view processed.v as select * from processed.a;
            create table processed.gone as select 2 as x;
            create view processed.seen as select * from processed.gone;
            create table stage."odd "" name" as select 3 as x;
            create table private.helper as select 3 as x;
            create table internal.kept as select 4 as x;
            """
        )
    return path


def tables(build: Path) -> set[str]:
    with duckdb.connect(str(build), read_only=True) as connection:
        rows = connection.execute("select table_name from information_schema.tables").fetchall()
    return {name for (name,) in rows}


def test_tables_without_a_model_are_dropped_and_named_and_the_others_are_kept(build: Path) -> None:
    dropped = drop_orphan_tables(build, MANIFEST)
    assert dropped == [
        "processed.seen", "private.helper", "processed.gone", 'stage.odd " name',
    ]  # fmt: skip
    assert tables(build) == {"a", "v", "kept"}
    assert drop_orphan_tables(build, MANIFEST) == []


def test_a_manifest_of_another_target_drops_nothing(build: Path) -> None:
    nodes = {
        name: {**node, "schema": node["schema"].replace("processed", "processed_build")}
        for name, node in MANIFEST["nodes"].items()
    }
    before = tables(build)
    assert drop_orphan_tables(build, {"nodes": nodes}) == []
    assert tables(build) == before


def test_without_a_build_database_nothing_is_dropped_or_reported(tmp_path: Path) -> None:
    build = tmp_path / "build.duckdb"
    assert drop_orphan_tables(build, MANIFEST) == []
    assert not build.exists()
    assert not build_outdated(build, "now")


def test_a_build_from_other_or_unknown_sources_is_reported(build: Path) -> None:
    assert build_outdated(build, "now")  # older than the build fingerprint
    write_fingerprint(build, "now")
    assert not build_outdated(build, "now")
    assert build_outdated(build, "then")
    (note,) = build.parent.glob("*.sources")
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    note.write_bytes(b"\xff")
    assert build_outdated(build, "now")
