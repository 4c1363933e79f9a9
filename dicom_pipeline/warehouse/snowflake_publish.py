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

from dicom_pipeline.snowflake_settings import SnowflakeSettings
from dicom_pipeline.warehouse.publish import (
    SCHEMA,
    TECHNICAL,
    Comments,
    PublishRefused,
    PublishReport,
    refuse_unknown,
)
from dicom_pipeline.warehouse.snowflake_session import name, run, text

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
    functions: Mapping[str, Mapping[str, str]],
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
        Tables and columns that may be published, and their comments.
    functions
        What de-identification did to each column, by table, for the tags.
    checked
        Rows of each table as the checks have seen it.

    Raises
    ------
    PublishRefused
        A column has no comment, or a table is not as it was checked.
    """
    columns = _columns(connection)
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
            _tag(connection, copy, published, functions.get(table, {}))
    analysts = name(settings.analyst_role)
    run(connection, f"grant usage on schema {NEXT} to role {analysts}")
    run(connection, f"grant select on all tables in schema {NEXT} to role {analysts}")
    run(connection, f"create transient schema if not exists {SCHEMA} {_OPTIONS}")
    run(connection, f"alter schema {NEXT} swap with {SCHEMA}")
    run(connection, f"drop schema {NEXT}")
    return report


def _columns(connection: SnowflakeConnection) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, column in run(
        connection,
        "select table_name, column_name from information_schema.columns where table_schema = ?"
        " order by table_name, ordinal_position",
        BUILD.upper(),
    ):
        found.setdefault(table.lower(), []).append(column.lower())
    return found


def _describe(
    connection: SnowflakeConnection, copy: str, table: str, columns: list[str], comments: Comments
) -> None:
    """Comments, those of all columns in one statement."""
    run(connection, f"comment on table {copy} is {text(comments.tables[table])}")
    told = [f"column {name(c)} comment {text(comments.columns[table][c])}" for c in columns]
    run(connection, f"alter table {copy} alter {', '.join(told)}")


def _tag(
    connection: SnowflakeConnection, copy: str, columns: list[str], functions: Mapping[str, str]
) -> None:
    """What was done to a column as its tag: the masking policy of analysts goes by it."""
    for column in columns:
        if function := functions.get(column):
            run(connection, f"alter table {copy} modify column {name(column)}"
                f" set tag {TAG} = {text(function)}")  # fmt: skip
