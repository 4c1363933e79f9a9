"""The pages of `dbt docs`: descriptions and types of columns, and access to files."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread

import pytest

from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.attribute_mapping import load_mapping
from dicom_pipeline.orchestration.ui.columns import asset_columns
from tools.dbt_docs import SERVED, described, server

from .archive import ADDED_LINES
from .conftest import Warehouse


def test_every_built_column_has_a_description(warehouse: Warehouse) -> None:
    manifest = json.loads((warehouse.root / "target" / "manifest.json").read_text())
    columns = asset_columns(load_mapping(), Profile.RESEARCH, manifest)
    descriptions = {
        (node["schema"], node["name"], name): column["description"]
        for node in described(manifest, columns)["nodes"].values()
        if node["resource_type"] in ("model", "seed")
        for name, column in node["columns"].items()
    }
    built = warehouse.rows(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where database_name = 'build' and schema_name in ('internal', 'stage', 'processed')"
    )
    added = [line.split(",")[1] for line in ADDED_LINES.splitlines()]  # by the tests' archive
    built = [row for row in built if row["column_name"] not in added]
    assert len(built) > 400
    assert not [column for row in built if not descriptions.get(column := tuple(row.values()))]


def test_column_types_in_the_web_ui_are_those_of_the_database(
    warehouse: Warehouse,
) -> None:
    manifest = json.loads((warehouse.root / "target" / "manifest.json").read_text())
    shown = {
        (*key.path, column.name): column.type
        for key, columns in asset_columns(load_mapping(), Profile.RESEARCH, manifest).items()
        for column in columns
    }
    assert all(shown.values())
    built = warehouse.rows(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where database_name = 'build' and schema_name in ('internal', 'stage', 'processed')"
    )
    added = [line.split(",")[1] for line in ADDED_LINES.splitlines()]  # by the tests' archive
    names = {"VARCHAR": "text", "BIGINT": "integer"}
    wrong = []
    for schema, table, column, type_ in (tuple(row.values()) for row in built):
        element = type_.removesuffix("[]").replace("INTEGER", "BIGINT")
        expected = names.get(element, element.lower()) + "[]" * type_.endswith("[]")
        if column not in added and shown[schema, table, column] != expected:
            wrong.append((table, column, type_))
    assert not wrong


@pytest.mark.parametrize(
    ("path", "status"),
    [*((f"/{name}", 200) for name in SERVED), ("/", 200), ("/?g_v=1", 200),
     ("/dbt.log", 404), ("/../secret", 404), ("/%2e%2e/secret", 404), ("/compiled/", 404)],
)  # fmt: skip
def test_the_server_serves_only_the_pages(path: str, status: int, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    (pages / "compiled").mkdir(parents=True)
    for name in (*SERVED, "dbt.log", "../secret"):
        (pages / name).touch()
    with server(0, pages) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        host, port = site.server_address[:2]
        assert host == "127.0.0.1"
        connection = HTTPConnection(str(host), port)
        connection.request("GET", path)
        assert connection.getresponse().status == status
        site.shutdown()
