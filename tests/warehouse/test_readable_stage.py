"""The SQL of the staged models, as dbt compiles it, can be read; DuckDB parses it."""

import json
from typing import Any

import duckdb
import pytest

from .conftest import Warehouse

ENTITIES = ("devices", "images", "patients", "series", "studies")
LONGEST_LINE = 120
LINES, LINES_PER_COLUMN = 80, 3
DEEPEST = 2


def compiled(warehouse: Warehouse, entity: str) -> str:
    models = warehouse.root / "target" / "compiled" / "dicom_pipeline" / "models" / "stage"
    return (models / f"staged_{entity}.sql").read_text()


def ctes(sql: str) -> dict[str, Any]:
    """Return the syntax tree of each CTE of a query, by name."""
    [(text,)] = duckdb.execute("select json_serialize_sql(?)", [sql]).fetchall()
    [statement] = json.loads(text)["statements"]
    return {cte["key"]: cte["value"] for cte in statement["node"]["cte_map"]["map"]}


def depth(tree: Any) -> int:
    """Return how deep the queries of a syntax tree are nested; 1 if none is nested."""
    if isinstance(tree, dict):
        below = max(map(depth, tree.values()), default=0)
        return below + (tree.get("type") in ("SELECT_NODE", "SET_OPERATION_NODE"))
    return max(map(depth, tree), default=0) if isinstance(tree, list) else 0


@pytest.mark.parametrize("entity", ENTITIES)
def test_a_staged_model_has_three_lines_per_column_and_no_long_line(
    warehouse: Warehouse, entity: str
) -> None:
    lines = compiled(warehouse, entity).splitlines()
    [row] = warehouse.rows(
        "select count(*) as columns from duckdb_columns()"
        f" where schema_name = 'stage' and table_name = 'staged_{entity}'"
    )
    assert len(lines) <= LINES + LINES_PER_COLUMN * row["columns"]
    assert [line for line in lines if len(line) > LONGEST_LINE] == []


@pytest.mark.parametrize("entity", ENTITIES)
def test_a_staged_model_repeats_no_query_and_nests_none_deeply(
    warehouse: Warehouse, entity: str
) -> None:
    found = ctes(compiled(warehouse, entity))
    assert {"keyed", "joined", "deidentified", "final"} <= found.keys()
    assert all(depth(tree) <= DEEPEST for tree in found.values())
    bodies = [json.dumps(tree["query"]) for tree in found.values()]
    assert len(set(bodies)) == len(bodies)
