"""Publication on Snowflake: one statement replaces ``processed`` by the checked tables.

Belongs here: the copy of ``processed_build``, its comments, tags and grants, and the swap.
Does not belong here: the preceding checks (leak_check), text of the comments (comments), roles and
policies (setup).

The copy is a clone: it writes no rows and takes seconds at any size. It is needed because the
build has internal columns, and because a swap also exchanges the privileges of the schemas: the
privileges of analysts are granted on the copy first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dicom_pipeline.config.snowflake import SnowflakeSettings
from dicom_pipeline.warehouse.data_dictionary import (
    DICTIONARY,
    INFO_TABLES,
    RUN_INFO,
    Comments,
    Origin,
    RunInfo,
    create_statement,
    dictionary_rows,
    insert_statement,
    run_info_rows,
    with_info_tables,
)
from dicom_pipeline.warehouse.duckdb.publish import (
    SCHEMA,
    TECHNICAL,
    PublishRefused,
    PublishReport,
    refuse_undocumented,
)
from dicom_pipeline.warehouse.snowflake.session import name, run, text

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

BUILD = "processed_build"
NEXT = "processed_next"
TAG = "internal.deidentification"
# no Time Travel: replaced tables cannot be restored
_OPTIONS = "data_retention_time_in_days = 0"


def publish_schema(
    connection: SnowflakeConnection,
    settings: SnowflakeSettings,
    comments: Comments,
    info: RunInfo,
    checked: Mapping[str, int],
) -> PublishReport:
    """Replace the schema ``processed``; the caller holds the write lock.

    Running queries keep reading the old tables; later queries see the new ones.

    Parameters
    ----------
    connection
        A session.
    settings
        Role of the analysts, and the edition, which determines whether tags are available.
    comments
        Tables and columns that may be published, their comments, and their attributes for the
        tags.
    info
        Facts about the publication.
    checked
        Number of rows of each table at the time of the checks.

    Raises
    ------
    PublishRefused
        A table or column has no comment, or a table has changed since the checks.
    """
    comments = with_info_tables(comments)
    columns = _columns(connection, BUILD)
    if not columns:
        raise PublishRefused("there are no processed tables in Snowflake; run dbt first")
    for table, named in columns.items():
        refuse_undocumented(table, [c for c in named if c not in TECHNICAL], comments)
    report = PublishReport()
    run(connection, f"drop schema if exists {NEXT}")  # left by an interrupted publication
    run(connection, f"create transient schema {NEXT} {_OPTIONS}")
    for table, named in columns.items():
        copy = f"{NEXT}.{name(table)}"
        run(connection, f"create transient table {copy} clone {BUILD}.{name(table)}")
        for column in named:
            if column in TECHNICAL:
                run(connection, f"alter table {copy} drop column {name(column)}")
        [(rows,)] = run(connection, f"select count(*) as row_count from {copy}")
        if rows != checked.get(table):
            raise PublishRefused(f"{table} is not as it was checked; run again")
        report.rows[table] = rows
        published = [column for column in named if column not in TECHNICAL]
        _describe(connection, copy, table, published, comments)
        if settings.edition == "enterprise":
            _tag(connection, copy, published, comments.origins.get(table, {}))
    _write_info_tables(connection, comments, info, report)
    analysts = name(settings.analyst_role)
    run(connection, f"grant usage on schema {NEXT} to role {analysts}")
    run(connection, f"grant select on all tables in schema {NEXT} to role {analysts}")
    run(connection, f"create transient schema if not exists {SCHEMA} {_OPTIONS}")
    run(connection, f"alter schema {NEXT} swap with {SCHEMA}")
    run(connection, f"drop schema {NEXT}")
    return report


def _columns(connection: SnowflakeConnection, schema: str) -> dict[str, dict[str, str]]:
    """Return the columns of each table of a schema with their types, in order."""
    found: dict[str, dict[str, str]] = {}
    for table, column, type_ in run(
        connection,
        "select table_name, column_name, data_type from information_schema.columns"
        " where table_schema = ? order by table_name, ordinal_position",
        schema.upper(),
    ):
        found.setdefault(table.lower(), {})[column.lower()] = type_
    return found


def _write_info_tables(
    connection: SnowflakeConnection, comments: Comments, info: RunInfo, report: PublishReport
) -> None:
    """Create the tables that explain all tables."""
    for table in INFO_TABLES:
        run(connection, create_statement(f"{NEXT}.{name(table)}", table, name))
    columns = _columns(connection, NEXT)
    listed = [(t, c, type_) for t, types in columns.items() for c, type_ in types.items()]
    rows_of_table = {
        DICTIONARY: dictionary_rows(listed, comments),
        RUN_INFO: run_info_rows(info, report.rows),
    }
    for table, rows in rows_of_table.items():
        copy = f"{NEXT}.{name(table)}"
        run(connection, insert_statement(copy, rows, text))
        _describe(connection, copy, table, list(columns[table]), comments)


def _describe(
    connection: SnowflakeConnection, copy: str, table: str, columns: list[str], comments: Comments
) -> None:
    """Write the comments of a table, those of all columns in one statement."""
    run(connection, f"comment on table {copy} is {text(comments.tables[table])}")
    clauses = [f"column {name(c)} comment {text(comments.columns[table][c])}" for c in columns]
    run(connection, f"alter table {copy} alter {', '.join(clauses)}")


def _tag(
    connection: SnowflakeConnection, copy: str, columns: list[str], origins: Mapping[str, Origin]
) -> None:
    """Set the de-identification function of each column as a tag, which the masking policy uses."""
    for column in columns:
        if origin := origins.get(column):
            run(connection, f"alter table {copy} modify column {name(column)}"
                f" set tag {TAG} = {text(origin.function)}")  # fmt: skip
