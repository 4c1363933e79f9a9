"""Publishing on Snowflake: the checked tables take the place of ``processed`` in one statement.

Belongs here: the copy of ``processed_build``, its comments, tags and grants, and the swap.
Does not belong here: the checks before it (leak_check), comments' words (comments), roles and
policies (snowflake_setup).

The copy is a clone: no row is written, so it costs seconds whatever the size. It is needed because
the build has columns of bookkeeping, and because a swap exchanges the privileges of the schemas
too: what analysts may do is granted on the copy before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dicom_pipeline.config.snowflake import SnowflakeSettings
from dicom_pipeline.warehouse.data_dictionary import (
    DICTIONARY,
    OWN_TABLES,
    RUN_INFO,
    Comments,
    Origin,
    RunInfo,
    create_statement,
    dictionary_lines,
    insert_statement,
    run_info_lines,
    with_own,
)
from dicom_pipeline.warehouse.duckdb.publish import (
    SCHEMA,
    TECHNICAL,
    PublishRefused,
    PublishReport,
    refuse_unknown,
)
from dicom_pipeline.warehouse.snowflake.session import name, run, text

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

BUILD = "processed_build"
NEXT = "processed_next"
TAG = "internal.deidentification"
# what is replaced does not stay behind for a day
_OPTIONS = "data_retention_time_in_days = 0"


def publish_schema(
    connection: SnowflakeConnection,
    settings: SnowflakeSettings,
    comments: Comments,
    info: RunInfo,
    checked: Mapping[str, int],
) -> PublishReport:
    """Replace the schema ``processed``; the caller holds the writer lock.

    Queries that run keep what they read; later ones see the new tables.

    Parameters
    ----------
    connection
        A session.
    settings
        The role of analysts, and whether the account has tags.
    comments
        Tables and columns that may be published, their comments, and the attributes behind them,
        for the tags.
    info
        What the publication is made with.
    checked
        Rows of each table as the checks have seen it.

    Raises
    ------
    PublishRefused
        A column has no comment, or a table is not as it was checked.
    """
    comments = with_own(comments)
    columns = _columns(connection, BUILD)
    if not columns:
        raise PublishRefused("there are no processed tables in Snowflake; run dbt first")
    for table, named in columns.items():
        refuse_unknown(table, [c for c in named if c not in TECHNICAL], comments)
    report = PublishReport()
    run(connection, f"drop schema if exists {NEXT}")  # of a publication that was cut off
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
    _write_own(connection, comments, info, report)
    analysts = name(settings.analyst_role)
    run(connection, f"grant usage on schema {NEXT} to role {analysts}")
    run(connection, f"grant select on all tables in schema {NEXT} to role {analysts}")
    run(connection, f"create transient schema if not exists {SCHEMA} {_OPTIONS}")
    run(connection, f"alter schema {NEXT} swap with {SCHEMA}")
    run(connection, f"drop schema {NEXT}")
    return report


def _columns(connection: SnowflakeConnection, schema: str) -> dict[str, dict[str, str]]:
    """Columns of each table of a schema with their types, in order."""
    found: dict[str, dict[str, str]] = {}
    for table, column, type_ in run(
        connection,
        "select table_name, column_name, data_type from information_schema.columns"
        " where table_schema = ? order by table_name, ordinal_position",
        schema.upper(),
    ):
        found.setdefault(table.lower(), {})[column.lower()] = type_
    return found


def _write_own(
    connection: SnowflakeConnection, comments: Comments, info: RunInfo, report: PublishReport
) -> None:
    """Make the tables that explain the others, and themselves."""
    for table in OWN_TABLES:
        run(connection, create_statement(f"{NEXT}.{name(table)}", table, name))
    columns = _columns(connection, NEXT)
    listed = [(t, c, type_) for t, types in columns.items() for c, type_ in types.items()]
    own = {
        DICTIONARY: dictionary_lines(listed, comments),
        RUN_INFO: run_info_lines(info, report.rows),
    }
    for table, lines in own.items():
        copy = f"{NEXT}.{name(table)}"
        run(connection, insert_statement(copy, lines, text))
        _describe(connection, copy, table, list(columns[table]), comments)


def _describe(
    connection: SnowflakeConnection, copy: str, table: str, columns: list[str], comments: Comments
) -> None:
    """Comments, those of all columns in one statement."""
    run(connection, f"comment on table {copy} is {text(comments.tables[table])}")
    told = [f"column {name(c)} comment {text(comments.columns[table][c])}" for c in columns]
    run(connection, f"alter table {copy} alter {', '.join(told)}")


def _tag(
    connection: SnowflakeConnection, copy: str, columns: list[str], origins: Mapping[str, Origin]
) -> None:
    """What was done to a column as its tag: the masking policy of analysts goes by it."""
    for column in columns:
        if origin := origins.get(column):
            run(connection, f"alter table {copy} modify column {name(column)}"
                f" set tag {TAG} = {text(origin.function)}")  # fmt: skip
