"""The published tables, and the lookup of the row of an entity.

Belongs here: reading the DuckDB file, and keys, which can be computed with the secret.
Does not belong here: the check of values (scorer).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import duckdb

from .answer_key import Entity

KEY_COLUMNS = {
    "patients": "patient_key", "studies": "study_key", "series": "series_key",
    "images": "image_key", "devices": "device_key",
}  # fmt: skip
Rows = dict[str, dict[str, Any]]


class Keys(Protocol):
    """Interface that computes keys; `tests.warehouse.oracle.Oracle` implements it."""

    def patient_key(self, patient_id: str, issuer: str | None = None) -> str:
        """Return the key of a patient."""
        ...

    def key(self, name: str, value: str) -> str:
        """Return the key of a study, series or image."""
        ...

    def id(self, domain: str, value: str) -> str:
        """Return a keyed hash."""
        ...


class Published:
    """Rows of all tables by key.

    Parameters
    ----------
    tables
        The rows of each table by key.
    keys
        Computes keys from original identifiers.
    """

    def __init__(self, tables: dict[str, Rows], keys: Keys) -> None:
        self.tables = tables
        self.keys = keys

    @classmethod
    def read(cls, database: Path, keys: Keys) -> Published:
        """Read the published file."""
        tables: dict[str, Rows] = {}
        with duckdb.connect(str(database), read_only=True) as connection:
            for table, key in KEY_COLUMNS.items():
                result = connection.execute(f"select * from processed.processed_{table}")
                names = [column[0] for column in result.description or []]
                place = names.index(key)
                tables[table] = {
                    row[place]: dict(zip(names, row, strict=True)) for row in result.fetchall()
                }
        return cls(tables, keys)

    def row(self, table: str, entity: Entity) -> dict[str, Any] | None:
        """Return the row of an entity, or None if it was not published."""
        return self.tables[table].get(self.key(table, entity))

    def key(self, table: str, entity: Entity) -> str:
        """Return the key of the entity with these identifiers."""
        if table == "patients":
            return self.keys.patient_key(entity[0] or "", entity[1])
        if table == "devices":
            parts = "".join(f"{len(part or '')}:{part}" for part in entity)
            return self.keys.id("device_key", f"1{parts}")
        return self.keys.key(KEY_COLUMNS[table], entity[0] or "")
