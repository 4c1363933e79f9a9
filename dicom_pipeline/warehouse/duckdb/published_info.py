"""What the published file says of itself: when it was made, and with which profile.

Belongs here: reading that. Does not belong here: writing it (publish, self_description).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from dicom_pipeline.warehouse.data_dictionary import RUN_INFO


@dataclass(frozen=True)
class PublishedInfo:
    """The moment in UTC, as ISO 8601 has it, and the profile; empty where the file has neither."""

    published_at: str
    profile: str


def published_info(database: Path) -> PublishedInfo | None:
    """Read it; None where there is no file that DuckDB can open."""
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            rows = connection.execute(
                f"select name, value from processed.{RUN_INFO} where topic = 'run'"
            ).fetchall()
    except duckdb.CatalogException:
        return PublishedInfo("", "")
    except duckdb.Error:
        return None
    said = dict(rows)
    return PublishedInfo(said.get("published_at", ""), said.get("profile", ""))
