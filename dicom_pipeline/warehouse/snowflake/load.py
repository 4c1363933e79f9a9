"""De-identified stage tables of the build database into Snowflake's schema ``stage``.

Belongs here: which partitions differ, and loading them, all tables of a batch in one transaction.
Does not belong here: which tables and columns may be sent (stage_tables), the check that they have
no identifiers (leak_check), logging in (session).

What is loaded is not remembered anywhere: the tables on both sides have the version of each
partition. Files are uploaded first, and deletion and ``COPY`` of all tables follow in one
transaction, so that a killed load leaves no tables of different versions.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.snowflake.session import name, run, text, transaction

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

SCHEMA = "stage"
INCOMING = f"{SCHEMA}.incoming"
# rows of images that one transaction loads; a COPY takes about a second whatever it loads
BATCH_ROWS = 2_000_000
BATCH_PARTITIONS = 500
# DuckDB's type: Snowflake's type, and how the column is read from parquet that has it as text
_TYPES = {
    "VARCHAR": "VARCHAR", "BIGINT": "NUMBER(38,0)", "DOUBLE": "FLOAT", "BOOLEAN": "BOOLEAN",
    "DATE": "DATE", "TIME": "TIME", "TIMESTAMP": "TIMESTAMP_NTZ", "JSON": "VARIANT",
}  # fmt: skip
# a value of either semi-structured type fits the other
_CATALOG_NAMES = {"VARCHAR": "TEXT", "NUMBER(38,0)": "NUMBER", "ARRAY": "VARIANT"}
# these have no type of parquet that both sides read alike: they are sent as text
_AS_TEXT = ("DATE", "TIME", "TIMESTAMP", "JSON")


@dataclass(frozen=True)
class LoadReport:
    """Number of partitions, of those that were loaded and removed, and of loaded rows."""

    partitions: int
    loaded: int
    removed: int
    rows: int


@dataclass
class _Table:
    """A stage table: columns with DuckDB's types, and versions of its partitions on both sides."""

    name: str
    columns: dict[str, str]
    here: dict[str, set[str]] = field(default_factory=dict)
    there: dict[str, set[str]] = field(default_factory=dict)

    @property
    def is_partitioned(self) -> bool:
        return "stage_version" in self.columns

    def differing(self, partitions: Iterable[str]) -> list[str]:
        return [key for key in partitions if self.here.get(key) != self.there.get(key)]


def load_stage(
    connection: SnowflakeConnection,
    build: Path,
    allowed: Mapping[str, frozenset[str]],
    scratch: Path,
    *,
    batch_rows: int = BATCH_ROWS,
) -> LoadReport:
    """Update the schema ``stage`` on Snowflake; the caller holds the write lock.

    Parameters
    ----------
    connection
        A session with autocommit.
    build
        The build database.
    allowed
        Columns of each table that may be sent. Other tables and columns are not read.
    scratch
        A private directory for the files to upload.
    batch_rows
        Rows of images that one transaction loads.
    """
    with duckdb.connect(str(build), read_only=True) as local:
        tables = [_Table(table, _columns(local, table, allowed[table])) for table in allowed]
        tables = [table for table in tables if table.columns]
        _prepare_tables(connection, tables)
        for table in tables:
            if table.is_partitioned:
                table.here = _versions(_rows(local, _VERSIONS.format(sql.name(table.name))))
                table.there = _versions(run(connection, _VERSIONS.format(name(table.name))))
        here = set[str]().union(*(table.here for table in tables))
        there = set[str]().union(*(table.there for table in tables))
        changed = sorted({key for table in tables for key in table.differing(here)})
        removed = sorted(there - here)
        if removed:
            with transaction(connection):
                for table in tables:
                    _delete(connection, table, removed)
        rows = 0
        for batch in _batches(local, changed, batch_rows):
            rows += _load(connection, local, tables, batch, scratch)
    return LoadReport(len(here), len(changed), len(removed), rows)


_VERSIONS = f"select distinct period_key, stage_version from {SCHEMA}.{{}}"


def _versions(rows: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for key, version in rows:
        found.setdefault(key, set()).add(version)
    return found


def _rows(local: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, str]]:
    return local.execute(query).fetchall()


def _columns(
    local: duckdb.DuckDBPyConnection, table: str, allowed: frozenset[str]
) -> dict[str, str]:
    rows = local.execute(
        "select column_name, data_type from duckdb_columns() where schema_name = ? and"
        " table_name = ? order by column_index",
        [SCHEMA, table],
    ).fetchall()
    return {column: type_ for column, type_ in rows if column in allowed}


def _prepare_tables(connection: SnowflakeConnection, tables: Iterable[_Table]) -> None:
    """Create tables that are missing or have other columns than here: all rows are loaded."""
    run(connection, f"create stage if not exists {INCOMING}")
    run(connection, f"remove @{INCOMING}")  # left by an interrupted load
    present: dict[str, dict[str, str]] = {}
    for table_name, column, type_ in run(
        connection,
        "select table_name, column_name, data_type from information_schema.columns"
        " where table_schema = ?",
        SCHEMA.upper(),
    ):
        present.setdefault(table_name.lower(), {})[column.lower()] = _CATALOG_NAMES.get(
            type_, type_
        )
    for table in tables:
        types = {column: _type_there(type_) for column, type_ in table.columns.items()}
        if present.get(table.name) == {c: _CATALOG_NAMES.get(t, t) for c, t in types.items()}:
            continue
        listed = ", ".join(f"{name(column)} {type_}" for column, type_ in types.items())
        run(connection, f"create or replace transient table {SCHEMA}.{name(table.name)} ({listed})"
            " data_retention_time_in_days = 0")  # fmt: skip


def _type_there(type_: str) -> str:
    return "ARRAY" if type_.endswith("[]") else _TYPES[type_]


def _batches(
    local: duckdb.DuckDBPyConnection, partitions: Iterable[str], limit: int
) -> Iterator[list[str]]:
    images = dict(
        local.execute(
            f"select period_key, count(*) from {SCHEMA}.staged_images group by 1"
        ).fetchall()
    )
    batch: list[str] = []
    rows = 0
    for partition in partitions:
        own = images.get(partition, 0)
        if batch and (rows + own > limit or len(batch) == BATCH_PARTITIONS):
            yield batch
            batch, rows = [], 0
        batch.append(partition)
        rows += own
    if batch:
        yield batch


def _load(
    connection: SnowflakeConnection,
    local: duckdb.DuckDBPyConnection,
    tables: Iterable[_Table],
    batch: list[str],
    scratch: Path,
) -> int:
    """Upload, then replace the partitions in all tables in one transaction; return the rows."""
    # two loads must not copy each other's files
    prefix = f"@{INCOMING}/{uuid.uuid4().hex}"
    rows = 0
    loaded = {
        table.name: table.differing(batch) if table.is_partitioned else [] for table in tables
    }
    chosen = [table for table in tables if loaded[table.name] or not table.is_partitioned]
    with tempfile.TemporaryDirectory(prefix="loading_", dir=scratch) as directory:
        for table in chosen:
            file = Path(directory, f"{table.name}.parquet")
            rows += _export(local, table, loaded[table.name], file)
            run(connection, f"put {text(f'file://{file}')} {prefix}"
                " auto_compress = false overwrite = true")  # fmt: skip
    with transaction(connection):
        for table in chosen:
            _delete(connection, table, loaded[table.name])
            run(connection, _copy_statement(table, f"{prefix}/{table.name}.parquet"))
    run(connection, f"remove {prefix}")
    return rows


def _export(
    local: duckdb.DuckDBPyConnection, table: _Table, partitions: list[str], file: Path
) -> int:
    """Write the allowed columns of some partitions as parquet."""
    columns = ", ".join(_exported(column, type_) for column, type_ in table.columns.items())
    query = f"select {columns} from {SCHEMA}.{sql.name(table.name)}"
    if table.is_partitioned:
        query += f" where period_key in ({', '.join(map(sql.text, partitions))})"
    statement = f"copy ({query}) to {sql.text(str(file))} (format parquet)"
    [(count,)] = local.execute(statement).fetchall()
    return int(count)


def _exported(column: str, type_: str) -> str:
    quoted = sql.name(column)
    if type_.endswith("[]"):
        # with nulls inside: arrays of parquet have none on Snowflake
        return f"cast(to_json({quoted}) as varchar) as {quoted}"
    return f"cast({quoted} as varchar) as {quoted}" if type_ in _AS_TEXT else quoted


def _copy_statement(table: _Table, file: str) -> str:
    listed = ", ".join(name(column) for column in table.columns)
    values = ", ".join(_imported(column, type_) for column, type_ in table.columns.items())
    return (
        f"copy into {SCHEMA}.{name(table.name)} ({listed}) from (select {values} from {file})"
        " file_format = (type = parquet binary_as_text = false) force = true"
    )


def _imported(column: str, type_: str) -> str:
    value = f'$1:"{column}"'
    if type_.endswith("[]"):
        return f"cast(parse_json(cast({value} as varchar)) as array)"
    if type_ == "JSON":
        return f"parse_json(cast({value} as varchar))"
    if type_ in _AS_TEXT:
        return f"cast(cast({value} as varchar) as {_TYPES[type_]})"
    return f"cast({value} as {_TYPES[type_]})"


def _delete(connection: SnowflakeConnection, table: _Table, partitions: list[str]) -> None:
    relation = f"{SCHEMA}.{name(table.name)}"
    if not table.is_partitioned:
        run(connection, f"delete from {relation}")
    elif partitions:
        places = ", ".join("?" * len(partitions))
        run(connection, f"delete from {relation} where period_key in ({places})", *partitions)
