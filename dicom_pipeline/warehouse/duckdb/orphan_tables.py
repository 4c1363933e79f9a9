"""Tables of the build database that no model makes any more, as older versions leave them.

Belongs here: finding and dropping them; a table that nobody describes would stop publishing.
Does not belong here: tables that models make, which dbt builds anew itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from dicom_pipeline.warehouse.duckdb import sql

_SCHEMAS = ("stage", "processed")


def drop_orphan_tables(build: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Drop tables and views that no model of dbt's manifest makes. Returns their names.

    Parameters
    ----------
    build
        The build database; the caller holds the lock, and nobody else the file.
    manifest
        ``manifest.json`` of the dbt project.
    """
    if not build.exists():
        return []
    made = {
        (node["schema"], node.get("alias") or node["name"])
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
    }
    if not {schema for schema, _ in made} >= set(_SCHEMAS):
        return []  # of another target, which names them otherwise
    dropped = []
    with contextlib.closing(duckdb.connect(str(build))) as connection:
        found = connection.execute(
            "select table_schema, table_name, table_type from information_schema.tables"
            " where table_catalog = current_database() and table_schema = any(?)"
            " order by table_type desc, 1, 2",  # views first
            [list(_SCHEMAS)],
        ).fetchall()
        for schema, name, kind in found:
            if (schema, name) not in made:
                what = "view" if kind == "VIEW" else "table"
                connection.execute(f"drop {what} {sql.name(schema)}.{sql.name(name)}")
                dropped.append(f"{schema}.{name}")
    return dropped
