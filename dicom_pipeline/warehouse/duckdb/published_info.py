"""Time and profile of the published file.

Belongs here: reading them from ``run_info``.
Does not belong here: writing ``run_info`` (publish, data_dictionary).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from dicom_pipeline.warehouse.data_dictionary import RUN_INFO


@dataclass(frozen=True)
class PublishedInfo:
    """Time of publication (UTC, ISO 8601) and profile; empty if the file has no ``run_info``."""

    published_at: str
    profile: str


def published_info(database: Path) -> PublishedInfo | None:
    """Return time and profile of a published file; None if DuckDB cannot open it."""
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            rows = connection.execute(
                f"select name, value from processed.{RUN_INFO} where topic = 'run'"
            ).fetchall()
    except duckdb.CatalogException:
        return PublishedInfo("", "")
    except duckdb.Error:
        return None
    values = dict(rows)
    return PublishedInfo(values.get("published_at", ""), values.get("profile", ""))
