"""The published file: a fresh copy of ``processed``, checked, then put in place atomically.

Belongs here: copying, checking and replacing the published DuckDB file.
Does not belong here: building tables (dbt), and what the columns mean (attributes).
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from dicom_pipeline.common.errors import UserError
from dicom_pipeline.warehouse.data_dictionary import (
    DICTIONARY,
    OWN_TABLES,
    RUN_INFO,
    Comments,
    RunInfo,
    create_statement,
    dictionary_lines,
    insert_statement,
    run_info_lines,
    with_own,
)
from dicom_pipeline.warehouse.duckdb import sql

# the DuckDB inside DBeaver lags: this storage version is readable from DuckDB 1.0 on
STORAGE_VERSION = "v1.0.0"
SCHEMA = "processed"
# the pipeline's own bookkeeping, of no use to who queries
TECHNICAL = frozenset({"period_key", "stage_version", "model_version"})
PUBLISHED_MODE = 0o444


def published_schema(schema: str) -> str:
    """The schema that people know, of one that a model is built in beside it."""
    return schema.removesuffix("_build")


class PublishRefused(UserError):
    """A check failed; the published file is as it was. Names tables and columns, never values."""


@dataclass
class PublishReport:
    """Rows of each published table, and the size of the file in bytes."""

    rows: dict[str, int] = field(default_factory=dict)
    size: int = 0


def publish(build: Path, database: Path, comments: Comments, info: RunInfo) -> PublishReport:
    """Replace the published file by the processed tables and views of the build database.

    The caller holds the writer lock. Readers of the old file keep it until they reconnect.

    Parameters
    ----------
    build
        The build database.
    database
        The published file.
    comments
        Tables and columns that may be published, and their comments.
    info
        What the publication is made with.

    Raises
    ------
    PublishRefused
        A column has no comment, the copy differs from the build, or a view refers to what is not
        published.
    """
    database.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    for left_behind in database.parent.glob(f".{database.name}.*.tmp*"):
        left_behind.unlink()
    fresh = database.with_name(f".{database.name}.{os.getpid()}.tmp")
    try:
        with duckdb.connect() as connection:
            report = _copy(connection, build, fresh, with_own(comments), info)
        report.size = fresh.stat().st_size
        _replace(fresh, database)
    finally:
        fresh.unlink(missing_ok=True)
    return report


def _copy(
    connection: duckdb.DuckDBPyConnection,
    build: Path,
    fresh: Path,
    comments: Comments,
    info: RunInfo,
) -> PublishReport:
    connection.execute(f"attach {sql.text(str(build))} as build (read_only)")
    connection.execute(
        f"attach {sql.text(str(fresh))} as fresh (storage_version {sql.text(STORAGE_VERSION)})"
    )
    connection.execute(f"create schema fresh.{SCHEMA}")
    report = PublishReport()
    for table in _tables(connection):
        columns = [name for name in _columns(connection, table) if name not in TECHNICAL]
        refuse_unknown(table, columns, comments)
        source = f"build.{SCHEMA}.{sql.name(table)}"
        chosen = ", ".join(sql.name(column) for column in columns)
        connection.execute(
            f"create table {_fresh(table)} as select {chosen} from {source}"
            f" order by {sql.name(columns[0])}"
        )
        report.rows[table] = _same_rows(connection, source, _fresh(table), chosen)
        _describe(connection, "table", table, comments)
    if not report.rows:
        raise PublishRefused("the build database has no processed tables; run dbt first")
    _copy_views(connection, comments)
    _write_own(connection, comments, info, report)
    connection.execute("checkpoint fresh")
    connection.execute("detach fresh")
    return report


def _copy_views(connection: duckdb.DuckDBPyConnection, comments: Comments) -> None:
    """Make the views anew on what is published, and on nothing else: the build is detached."""
    views = connection.execute(
        "select view_name, sql from duckdb_views() where database_name = 'build'"
        " and schema_name = ? order by 1",
        [SCHEMA],
    ).fetchall()
    connection.execute("detach build")
    connection.execute("use fresh")
    for view, definition in views:
        try:
            connection.execute(definition)
        except (duckdb.BinderException, duckdb.CatalogException):
            raise PublishRefused(f"{view} refers to what is not published") from None
        refuse_unknown(view, _columns(connection, view, "fresh"), comments)
        _describe(connection, "view", view, comments)
    connection.execute("use memory")


def _write_own(
    connection: duckdb.DuckDBPyConnection, comments: Comments, info: RunInfo, report: PublishReport
) -> None:
    """Make the tables that explain the others, and themselves."""
    for table in OWN_TABLES:
        connection.execute(create_statement(_fresh(table), table, sql.name))
        _describe(connection, "table", table, comments)
    columns = connection.execute(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where database_name = 'fresh' and schema_name = ? order by table_name, column_index",
        [SCHEMA],
    ).fetchall()
    own = {
        DICTIONARY: dictionary_lines(columns, comments),
        RUN_INFO: run_info_lines(info, report.rows),
    }
    for table, lines in own.items():
        connection.execute(insert_statement(_fresh(table), lines, sql.text))


def _describe(
    connection: duckdb.DuckDBPyConnection, kind: str, name: str, comments: Comments
) -> None:
    comment = sql.text(comments.tables[name])
    connection.execute(f"comment on {kind} {_fresh(name)} is {comment}")
    for column in _columns(connection, name, "fresh"):
        comment = sql.text(comments.columns[name][column])
        connection.execute(f"comment on column {_fresh(name)}.{sql.name(column)} is {comment}")


def _fresh(table: str) -> str:
    return f"fresh.{SCHEMA}.{sql.name(table)}"


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'build' and schema_name = ?"
        " order by 1",
        [SCHEMA],
    ).fetchall()
    return [name for (name,) in rows]


def _columns(
    connection: duckdb.DuckDBPyConnection, table: str, database: str = "build"
) -> list[str]:
    rows = connection.execute(
        "select column_name from duckdb_columns() where database_name = ?"
        " and schema_name = ? and table_name = ? order by column_index",
        [database, SCHEMA, table],
    ).fetchall()
    return [name for (name,) in rows]


def refuse_unknown(table: str, columns: list[str], comments: Comments) -> None:
    """Refuse a table, or columns of it, of which nobody has said what they are.

    Raises
    ------
    PublishRefused
        There are some.
    """
    if table not in comments.tables:
        raise PublishRefused(f"{table} is not described: describe the model, or remove it")
    unknown = [name for name in columns if not comments.columns.get(table, {}).get(name)]
    if unknown:
        raise PublishRefused(
            f"{table}: {', '.join(unknown)} neither in the mapping nor described in the model"
        )


def _same_rows(
    connection: duckdb.DuckDBPyConnection, source: str, target: str, columns: str
) -> int:
    def fingerprint(table: str) -> tuple[int, int]:
        row = connection.execute(
            f"select count(*), coalesce(bit_xor(hash(r)), 0) from (select {columns} from {table}) r"
        ).fetchone()
        assert row is not None
        return row[0], row[1]

    before, after = fingerprint(source), fingerprint(target)
    if before != after:
        raise PublishRefused(f"the copy of {source} differs from the build")
    return after[0]


def _replace(fresh: Path, database: Path) -> None:
    """Make the fresh file durable and rename it over the published one."""
    descriptor = os.open(fresh, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.chmod(PUBLISHED_MODE)
    # a client that opened the old file for writing left its log beside it, and DuckDB would
    # replay that into the new one; one may appear while we rename, so once more after it
    wal = database.with_name(database.name + ".wal")
    wal.unlink(missing_ok=True)
    fresh.replace(database)
    wal.unlink(missing_ok=True)
    with suppress(OSError):
        directory = os.open(database.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
