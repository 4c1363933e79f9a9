"""Publication on Snowflake: the rows of ``processed`` are replaced in one transaction.

Belongs here: tables and columns of ``processed``, their rows, comments, tags and grants.
Does not belong here: the preceding checks (leak_check), text of the comments (comments), roles and
policies (setup).

Tables are not recreated: grants, shares, policies and tags that a site set on them remain.
`INSERT OVERWRITE` takes part in a transaction, so that readers see all old rows or all new ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
from dicom_pipeline.warehouse.snowflake.session import name, run, text, transaction

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

BUILD = "processed_build"
TAG = "internal.deidentification"
# no Time Travel: replaced rows cannot be restored
_OPTIONS = "data_retention_time_in_days = 0"


def publish_schema(
    connection: SnowflakeConnection,
    settings: SnowflakeSettings,
    comments: Comments,
    info: RunInfo,
    checked: Mapping[str, int],
) -> PublishReport:
    """Replace the rows of the schema ``processed``; the caller holds the write lock.

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
        Number of rows of each table in the build database, whose tables were checked.

    Raises
    ------
    PublishRefused
        A table or column has no comment, or a table has not the rows that were checked.
    """
    comments = with_info_tables(comments)
    columns = {
        table: [column for column in types if column not in TECHNICAL]
        for table, types in _columns(connection, BUILD).items()
    }
    if not columns:
        raise PublishRefused("there are no processed tables in Snowflake; run dbt first")
    for table, named in columns.items():
        refuse_undocumented(table, named, comments)
    report = PublishReport()
    for table in columns:
        [(rows,)] = run(connection, f"select count(*) as row_count from {BUILD}.{name(table)}")
        if rows != checked.get(table, rows):  # views of the build database are not counted
            raise PublishRefused(f"{table} has other rows than the table that was checked")
        report.rows[table] = rows
    run(connection, f"create transient schema if not exists {SCHEMA} {_OPTIONS}")
    _prepare_tables(connection, columns)
    published = _columns(connection, SCHEMA)
    for table, types in published.items():
        _describe(connection, table, list(types), comments)
        if settings.edition == "enterprise":
            _tag(connection, table, types, comments.origins.get(table, {}))
    analysts = name(settings.analyst_role)
    run(connection, f"grant usage on schema {SCHEMA} to role {analysts}")
    run(connection, f"grant select on all tables in schema {SCHEMA} to role {analysts}")
    listed = [(t, c, type_) for t, types in published.items() for c, type_ in types.items()]
    info_rows = {
        DICTIONARY: dictionary_rows(listed, comments),
        RUN_INFO: run_info_rows(info, report.rows),
    }
    with transaction(connection):
        for table, named in columns.items():
            selected = ", ".join(map(name, named))
            run(connection, f"insert overwrite into {_published(table)} ({selected})"
                f" select {selected} from {BUILD}.{name(table)}")  # fmt: skip
        for table, rows in info_rows.items():
            run(connection, f"delete from {_published(table)}")
            run(connection, insert_statement(_published(table), rows, text))
    return report


def _prepare_tables(connection: SnowflakeConnection, columns: Mapping[str, list[str]]) -> None:
    """Create missing tables, change columns of others, and drop tables that nothing builds."""
    types = _columns(connection, BUILD)
    present = _columns(connection, SCHEMA)
    for table in sorted(present.keys() - columns.keys() - set(INFO_TABLES)):
        run(connection, f"drop table {_published(table)}")
    for table, named in columns.items():
        there = _published(table)
        if table not in present:
            # a clone has the clustering keys; it is empty until the rows are replaced
            run(connection, f"create transient table {there} clone {BUILD}.{name(table)}")
            run(connection, f"delete from {there}")
            for column in types[table].keys() - set(named):
                run(connection, f"alter table {there} drop column {name(column)}")
            continue
        same = {c for c in named if present[table].get(c) == types[table][c]}
        for column in sorted(present[table].keys() - same):
            run(connection, f"alter table {there} drop column {name(column)}")
        for column in [c for c in named if c not in same]:
            run(connection, f"alter table {there} add column {name(column)} {types[table][column]}")
    for table in INFO_TABLES:
        if table not in present:
            run(connection, create_statement(_published(table), table, name))


def _published(table: str) -> str:
    return f"{SCHEMA}.{name(table)}"


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


def _describe(
    connection: SnowflakeConnection, table: str, columns: list[str], comments: Comments
) -> None:
    """Write the comments of a table, those of all columns in one statement."""
    there = _published(table)
    run(connection, f"comment on table {there} is {text(comments.tables[table])}")
    clauses = [f"column {name(c)} comment {text(comments.columns[table][c])}" for c in columns]
    run(connection, f"alter table {there} alter {', '.join(clauses)}")


def _tag(
    connection: SnowflakeConnection,
    table: str,
    columns: Iterable[str],
    origins: Mapping[str, Origin],
) -> None:
    """Set the de-identification function of each column as a tag, which the masking policy uses."""
    for column in columns:
        if origin := origins.get(column):
            run(connection, f"alter table {_published(table)} modify column {name(column)}"
                f" set tag {TAG} = {text(origin.function)}")  # fmt: skip
