"""Orphan tables of the build database: tables of models that no longer exist.

Belongs here: finding and dropping them. They have no description, and publishing refuses tables
without one.
Does not belong here: tables of current models, which dbt replaces.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from dicom_pipeline.warehouse.duckdb import sql

_SCHEMAS = ("private", "stage", "processed")


def drop_orphan_tables(build: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Drop tables and views that no model or seed of the dbt project builds.

    Parameters
    ----------
    build
        The build database. The caller holds the write lock, and no other process has it open.
    manifest
        ``manifest.json`` of the dbt project.

    Returns
    -------
    list of str
        Names of the dropped tables and views, with their schemas.
    """
    if not build.exists():
        return []
    current = {
        (node["schema"], node.get("alias") or node["name"])
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
    }
    if not {schema for schema, _ in current} >= set(_SCHEMAS):
        return []  # a manifest of another target, with other schema names
    dropped = []
    with contextlib.closing(duckdb.connect(str(build))) as connection:
        found = connection.execute(
            "select table_schema, table_name, table_type from information_schema.tables"
            " where table_catalog = current_database() and table_schema = any(?)"
            " order by table_type desc, 1, 2",  # views first
            [list(_SCHEMAS)],
        ).fetchall()
        for schema, name, kind in found:
            if (schema, name) not in current:
                what = "view" if kind == "VIEW" else "table"
                connection.execute(f"drop {what} {sql.name(schema)}.{sql.name(name)}")
                dropped.append(f"{schema}.{name}")
    return dropped
