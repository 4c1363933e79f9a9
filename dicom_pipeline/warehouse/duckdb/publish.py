"""Publication on DuckDB: a new copy of ``processed`` is checked and replaces the published file.

Belongs here: copying, checking and atomic replacement of the published file.
Does not belong here: building tables (dbt), text of the comments (comments).
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
    INFO_TABLES,
    RUN_INFO,
    Comments,
    RunInfo,
    create_statement,
    dictionary_rows,
    insert_statement,
    run_info_rows,
    with_info_tables,
)
from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.duckdb.catalog import tables
from dicom_pipeline.warehouse.duckdb.connection import in_memory

# readable since DuckDB 1.0: clients such as DBeaver include older versions of DuckDB
STORAGE_VERSION = "v1.0.0"
SCHEMA = "processed"
# internal columns of the pipeline, which are not published
TECHNICAL = frozenset(
    {
        "period_key", "base_version", "stage_version", "model_version", "study_version_key",
        "version_rank", "patients_row_key", "studies_row_key", "series_row_key", "devices_row_key",
    }
)  # fmt: skip
PUBLISHED_MODE = 0o444


class PublishRefused(UserError):
    """A check failed; the published file is unchanged.

    The message has names of tables and columns, never values.
    """

    is_retryable = False


@dataclass
class PublishReport:
    """Number of rows by published table, and size of the file in bytes."""

    rows: dict[str, int] = field(default_factory=dict)
    size: int = 0


def publish(build: Path, database: Path, comments: Comments, info: RunInfo) -> PublishReport:
    """Replace the published file by the processed tables and views of the build database.

    The caller holds the write lock. Readers of the old file keep it until they reconnect.

    Parameters
    ----------
    build
        The build database.
    database
        The published file.
    comments
        Tables and columns that may be published, and their comments.
    info
        Facts about the publication.

    Raises
    ------
    PublishRefused
        A table or column has no comment, the copy differs from the build database, or a view
        uses objects that are not published.
    """
    database.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    for abandoned in database.parent.glob(f".{database.name}.*.tmp*"):
        abandoned.unlink()
    fresh = database.with_name(f".{database.name}.{os.getpid()}.tmp")
    try:
        with in_memory(build.parent) as connection:
            report = _copy(connection, build, fresh, with_info_tables(comments), info)
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
    for _, table in tables(connection, SCHEMA, database="build"):
        columns = [name for name in _columns(connection, table) if name not in TECHNICAL]
        refuse_undocumented(table, columns, comments)
        source = f"build.{SCHEMA}.{sql.name(table)}"
        chosen = ", ".join(sql.name(column) for column in columns)
        connection.execute(
            f"create table {_fresh(table)} as select {chosen} from {source}"
            f" order by {sql.name(columns[0])}"
        )
        report.rows[table] = _check_copy(connection, source, _fresh(table), chosen)
        _describe(connection, "table", table, comments)
    if not report.rows:
        raise PublishRefused("the build database has no processed tables; run dbt first")
    _copy_views(connection, comments)
    _write_info_tables(connection, comments, info, report)
    connection.execute("checkpoint fresh")
    connection.execute("detach fresh")
    return report


def _copy_views(connection: duckdb.DuckDBPyConnection, comments: Comments) -> None:
    """Create the views on the published tables only: the build database is detached."""
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
        refuse_undocumented(view, _columns(connection, view, "fresh"), comments)
        _describe(connection, "view", view, comments)
    connection.execute("use memory")


def _write_info_tables(
    connection: duckdb.DuckDBPyConnection, comments: Comments, info: RunInfo, report: PublishReport
) -> None:
    """Create the tables that explain all tables."""
    for table in INFO_TABLES:
        connection.execute(create_statement(_fresh(table), table, sql.name))
        _describe(connection, "table", table, comments)
    columns = connection.execute(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where database_name = 'fresh' and schema_name = ? order by table_name, column_index",
        [SCHEMA],
    ).fetchall()
    rows_of_table = {
        DICTIONARY: dictionary_rows(columns, comments),
        RUN_INFO: run_info_rows(info, report.rows),
    }
    for table, rows in rows_of_table.items():
        connection.execute(insert_statement(_fresh(table), rows, sql.text))


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


def _columns(
    connection: duckdb.DuckDBPyConnection, table: str, database: str = "build"
) -> list[str]:
    rows = connection.execute(
        "select column_name from duckdb_columns() where database_name = ?"
        " and schema_name = ? and table_name = ? order by column_index",
        [database, SCHEMA, table],
    ).fetchall()
    return [name for (name,) in rows]


def refuse_undocumented(table: str, columns: list[str], comments: Comments) -> None:
    """Raise if a table or one of its columns has no comment.

    Raises
    ------
    PublishRefused
        The table or a column has no comment.
    """
    if table not in comments.tables:
        raise PublishRefused(f"{table} is not described: describe the model, or remove it")
    undocumented = [name for name in columns if not comments.columns.get(table, {}).get(name)]
    if undocumented:
        raise PublishRefused(
            f"{table}: {', '.join(undocumented)} neither in the mapping nor described in the "
            "model; add a mapping line or a description"
        )


def _check_copy(
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
    """Flush the new file to disk and rename it over the published one."""
    descriptor = os.open(fresh, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.chmod(PUBLISHED_MODE)
    # a client that opened the old file for writing may leave a write-ahead log, which DuckDB would
    # replay into the new file; remove it again after renaming, since one may appear meanwhile
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
