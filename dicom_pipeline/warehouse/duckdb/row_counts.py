"""Row counts of the build database and the published file, and the id of their key.

Belongs here: counting rows by table, and rows of purged subjects by entity keys.
Does not belong here: raw identifiers, removal of rows (dbt rebuilds the tables).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from dicom_pipeline.warehouse.duckdb.catalog import opened, tables

_SCHEMAS = ("stage", "processed")


@dataclass(frozen=True)
class SubjectKeys:
    """Entity keys of subjects, as in the tables.

    Attributes
    ----------
    patients, studies
        Patients and studies whose rows must be removed completely.
    patients_of_studies, devices
        Patients of the studies and devices used; they may have rows of other subjects.
    """

    patients: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    patients_of_studies: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


def subject_rows(database: Path, keys: SubjectKeys) -> dict[str, int]:
    """Return the number of rows with any of the keys, by table; tables without rows are omitted."""
    counts: dict[str, int] = {}
    with opened(database) as connection:
        for table, columns in _tables(connection).items():
            if {"patient_key", "study_key"} <= columns:
                wanted = {"patient_key": keys.patients, "study_key": keys.studies}
            elif "patient_key" in columns:
                wanted = {"patient_key": (*keys.patients, *keys.patients_of_studies)}
            elif "device_key" in columns:
                wanted = {"device_key": keys.devices}
            else:
                continue
            counts[table] = _count(connection, table, wanted)
    return {table: count for table, count in counts.items() if count}


def remaining_rows(database: Path, keys: SubjectKeys) -> dict[str, int]:
    """Return the number of rows that a purge must remove, by table."""
    counts: dict[str, int] = {}
    with opened(database) as connection:
        for table, columns in _tables(connection).items():
            wanted = {"patient_key": keys.patients, "study_key": keys.studies}
            present = {column: values for column, values in wanted.items() if column in columns}
            if present:
                counts[table] = _count(connection, table, present)
    return {table: count for table, count in counts.items() if count}


def row_counts(database: Path) -> dict[str, int]:
    """Return the number of rows of each table in ``stage`` and ``processed``."""
    with opened(database) as connection:
        return {table: _count(connection, table, {}) for table in _tables(connection)}


def key_id_of(database: Path) -> str | None:
    """Return the id of the key of a published file; None if the file does not have it."""
    with opened(database) as connection:
        if "key_id" not in _tables(connection).get("processed.deidentification", ()):
            return None
        row = connection.execute("select min(key_id) from processed.deidentification").fetchone()
    return str(row[0]) if row and row[0] else None


def _tables(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    found = tables(connection, *_SCHEMAS)
    return {".".join(table): set(columns) for table, columns in found.items()}


def _count(
    connection: duckdb.DuckDBPyConnection, table: str, wanted: dict[str, tuple[str, ...]]
) -> int:
    conditions = " or ".join(f"{column} in (select unnest(?))" for column in wanted)
    where = f" where {conditions}" if conditions else ""
    values = [list(keys) for keys in wanted.values()]
    row = connection.execute(f"select count(*) from {table}{where}", values).fetchone()
    assert row is not None
    return int(row[0])
