"""Raw parquet into Snowflake's schema ``raw``: partitions that differ, each whole or not at all.

Belongs here: tables of the raw schema, which partitions to load, and loading them.
Does not belong here: what the rows mean (extract.tables), the version of a partition (extract),
logging in (session).

Several small partitions are loaded in one transaction: a ``COPY`` costs about a second whatever it
loads, so a first load of 400 months one by one would take an hour.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from dicom_pipeline.warehouse.snowflake.session import name, run, text

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

SCHEMA = "raw"
STAGE = f"{SCHEMA}.incoming"
LOADED = f"{SCHEMA}.loaded_partitions"
# compressed bytes of the parquet that one transaction loads; COPY likes files of 100 to 250 MB
BATCH_BYTES = 128 << 20
BATCH_PARTITIONS = 500
_TYPES = {pa.string(): "varchar", pa.int64(): "number(19, 0)"}


class RawPartitions(Protocol):
    """What is loaded from: the raw zone, through its public methods."""

    def periods(self) -> list[str]:
        """Keys of the partitions."""

    def version(self, period: str) -> str | None:
        """Version of a partition; None while it is not whole."""

    def path(self, table: str, period: str) -> Path:
        """Where the parquet of a table and partition lies."""

    def read(self, table: str, period: str) -> pa.Table | None:
        """Rows of a table and partition."""


@dataclass(frozen=True)
class LoadReport:
    """Partitions that were loaded and removed, of how many; rows that were copied."""

    partitions: int
    loaded: int
    removed: int
    rows: int


def load_raw(
    connection: SnowflakeConnection,
    raw: RawPartitions,
    schemas: Mapping[str, pa.Schema],
    scratch: Path,
    *,
    batch_bytes: int = BATCH_BYTES,
) -> LoadReport:
    """Bring the raw schema up to the raw zone; the caller holds the writer lock.

    Idempotent: what is loaded is remembered in the same transaction as the rows. A partition that
    is not whole is left as it was.

    Parameters
    ----------
    connection
        A session with autocommit.
    raw
        The raw zone.
    schemas
        The tables to load, each with the columns of the mapping as it is now.
    scratch
        A private directory, for files on their way.
    batch_bytes
        How much parquet one transaction loads.

    Returns
    -------
    LoadReport
        What was done.
    """
    prepare_tables(connection, schemas)
    loaded = dict(run(connection, f"select study_period, raw_version from {LOADED}"))
    found = {period: raw.version(period) for period in raw.periods()}
    changed = [p for p, version in found.items() if version and loaded.get(p) != version]
    gone = sorted(loaded.keys() - found.keys())
    rows = 0
    if gone:
        with _Transaction(connection):
            _delete(connection, schemas, gone)
    for batch in _batches(raw, schemas, changed, batch_bytes):
        versions = {period: found[period] or "" for period in batch}
        rows += _load(connection, raw, schemas, versions, scratch)
    return LoadReport(len(found), len(changed), len(gone), rows)


def prepare_tables(connection: SnowflakeConnection, schemas: Mapping[str, pa.Schema]) -> None:
    """Make the stage and the tables, and give tables the columns that the mapping has now.

    A column that is gone is dropped; one that is new is empty until its partition is loaded
    again, which its version asks for.
    """
    # nothing to travel back to: the raw zone can be loaded again, and what is purged is gone
    options = "data_retention_time_in_days = 0"
    run(connection, f"create transient schema if not exists {SCHEMA} {options}")
    run(connection, f"create stage if not exists {STAGE}")
    run(
        connection,
        f"create transient table if not exists {LOADED} (study_period varchar, raw_version varchar)"
        f" {options}",
    )
    present = _columns(connection)
    for table, schema in schemas.items():
        columns = _column_types(schema)
        if table.upper() not in present:
            listed = ", ".join(f"{name(column)} {type_}" for column, type_ in columns.items())
            run(connection, f"create transient table {SCHEMA}.{name(table)} ({listed}) {options}")
            # what was loaded into a table that is not there any more is not loaded
            run(connection, f"delete from {LOADED}")
            continue
        known = present[table.upper()]
        for column, type_ in columns.items():
            if column.upper() not in known:
                added = f"add column {name(column)} {type_}"
                run(connection, f"alter table {SCHEMA}.{name(table)} {added}")
        for column in sorted(known - {column.upper() for column in columns}):
            run(connection, f"alter table {SCHEMA}.{name(table)} drop column {name(column)}")


def _columns(connection: SnowflakeConnection) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for table, column in run(
        connection,
        "select table_name, column_name from information_schema.columns where table_schema = ?",
        SCHEMA.upper(),
    ):
        found.setdefault(table, set()).add(column)
    return found


def _column_types(schema: pa.Schema) -> dict[str, str]:
    types = {field.name: _TYPES[field.type] for field in schema}
    return {"study_period": "varchar", **types, "raw_version": "varchar"}


def _batches(
    raw: RawPartitions, tables: Mapping[str, pa.Schema], periods: Sequence[str], limit: int
) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for period in periods:
        own = sum(raw.path(table, period).stat().st_size for table in tables)
        if batch and (size + own > limit or len(batch) == BATCH_PARTITIONS):
            yield batch
            batch, size = [], 0
        batch.append(period)
        size += own
    if batch:
        yield batch


def _load(
    connection: SnowflakeConnection,
    raw: RawPartitions,
    schemas: Mapping[str, pa.Schema],
    versions: Mapping[str, str],
    scratch: Path,
) -> int:
    """Upload, then replace the partitions of all tables in one transaction. Returns the rows."""
    # a name of its own: two loads must not copy each other's files
    prefix = f"@{STAGE}/{uuid.uuid4().hex}"
    rows = 0
    try:
        with tempfile.TemporaryDirectory(prefix="loading_", dir=scratch) as directory:
            for table, schema in schemas.items():
                file = Path(directory, f"{table}.parquet")
                rows += _write(raw, table, schema, list(versions), file)
                run(connection, f"put {text(f'file://{file}')} {prefix}"
                    " auto_compress = false overwrite = true")  # fmt: skip
        with _Transaction(connection):
            _delete(connection, schemas, list(versions))
            for table in schemas:
                run(
                    connection,
                    f"copy into {SCHEMA}.{name(table)} from {prefix}/{table}.parquet"
                    " file_format = (type = parquet use_logical_type = true binary_as_text = false)"
                    " match_by_column_name = case_insensitive force = true",
                )
            places = ", ".join(["(?, ?)"] * len(versions))
            bound = [value for pair in versions.items() for value in pair]
            run(connection, f"insert into {LOADED} (study_period, raw_version) values {places}",
                *bound)  # fmt: skip
    finally:
        run(connection, f"remove {prefix}")
    return rows


def _write(
    raw: RawPartitions, table: str, schema: pa.Schema, periods: Sequence[str], file: Path
) -> int:
    """The rows of some partitions as one parquet file, with the period as a column."""
    schema = pa.schema([*schema, pa.field("raw_version", pa.string())])
    whole = pa.schema([pa.field("study_period", pa.string()), *schema])
    count = 0
    with pq.ParquetWriter(file, whole, compression="snappy") as writer:
        for period in periods:
            rows = raw.read(table, period)
            if rows is None:
                raise RuntimeError(f"a partition of {table} became unreadable; run again")
            # of another mapping: what is not there yet is null, as where DuckDB reads it
            present = set(rows.column_names)
            columns = [pa.repeat(pa.scalar(period, pa.string()), rows.num_rows)]
            columns += [
                rows[f.name] if f.name in present else pa.nulls(rows.num_rows, f.type)
                for f in schema
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=whole))
            count += rows.num_rows
    return count


def _delete(
    connection: SnowflakeConnection, tables: Mapping[str, pa.Schema], periods: Sequence[str]
) -> None:
    places = ", ".join("?" * len(periods))
    for table in (*(f"{SCHEMA}.{name(table)}" for table in tables), LOADED):
        run(connection, f"delete from {table} where study_period in ({places})", *periods)


class _Transaction:
    """``begin`` and ``commit``, or ``rollback`` after an error."""

    def __init__(self, connection: SnowflakeConnection) -> None:
        self.connection = connection

    def __enter__(self) -> None:
        run(self.connection, "begin")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        run(self.connection, "commit" if kind is None else "rollback")
