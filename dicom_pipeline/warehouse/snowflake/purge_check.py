"""What a purge left on Snowflake: rows of the subjects, and how long deleted rows can be restored.

Belongs here: counting rows by key in all schemas of the database, and reading the retention.
Does not belong here: deleting rows (load, dbt, publish), receipts (operations.purge).

The catalog lists only objects that the role of the session may use: rows in other tables, and in
other databases, are not found.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dicom_pipeline.warehouse.duckdb.publish import SCHEMA as PUBLISHED
from dicom_pipeline.warehouse.duckdb.row_counts import SubjectKeys
from dicom_pipeline.warehouse.snowflake.load import SCHEMA as STAGE
from dicom_pipeline.warehouse.snowflake.publish import BUILD
from dicom_pipeline.warehouse.snowflake.session import run

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

FAIL_SAFE_DAYS = 7
# schemas whose tables the pipeline builds
BUILT = (STAGE, BUILD, PUBLISHED)
# tables that one statement counts
_BATCH = 100
_NAMES_SHOWN = 5


@dataclass(frozen=True)
class PurgeCheck:
    """What was found in the tables that have keys of patients or studies.

    Attributes
    ----------
    tables_checked
        Number of these tables.
    remaining_rows
        Rows that a purge must remove, by table; tables without such rows are omitted.
    time_travel_days
        Days for which Time Travel can restore deleted rows, by table.
    default_time_travel_days
        The same for tables that are created later, of the database and of the tables' schemas.
    permanent_tables
        Tables whose deleted rows Snowflake keeps in Fail-safe after that.
    """

    tables_checked: int
    remaining_rows: dict[str, int]
    time_travel_days: dict[str, int]
    default_time_travel_days: dict[str, int]
    permanent_tables: tuple[str, ...]

    @property
    def rows_of_the_pipeline(self) -> bool:
        """Whether rows remain in a schema whose tables the pipeline builds."""
        return any(table.partition(".")[0] in BUILT for table in self.remaining_rows)

    @property
    def restorable(self) -> list[str]:
        """What can still be restored after rows are deleted, one sentence for each reason."""
        found = []
        if kept := {table: days for table, days in self.time_travel_days.items() if days}:
            found.append(
                f"deleted rows on Snowflake, which Time Travel can restore for up to "
                f"{_days(max(kept.values()))}, in {_listed(list(kept))}"
            )
        if self.permanent_tables:
            found.append(
                "deleted rows of permanent tables on Snowflake, which its support can restore from "
                f"Fail-safe for {_days(FAIL_SAFE_DAYS)} after Time Travel, in "
                f"{_listed(self.permanent_tables)}"
            )
        return found


@dataclass(frozen=True)
class _Table:
    """A table with its exact names, its columns with keys, and its retention."""

    schema: str
    name: str
    columns: tuple[str, ...]
    days: int
    permanent: bool

    @property
    def shown(self) -> str:
        return f"{_shown(self.schema)}.{_shown(self.name)}"


def check_purge(connection: SnowflakeConnection, keys: SubjectKeys) -> PurgeCheck:
    """Count the rows of purged subjects, and read the retention of the tables.

    Parameters
    ----------
    connection
        A session.
    keys
        Keyed hashes, which may be bound to statements. Without keys, no rows are counted.
    """
    tables = _tables(connection)
    remaining: dict[str, int] = {}
    if keys.patients or keys.studies:
        for start in range(0, len(tables), _BATCH):
            remaining |= _count(connection, tables[start : start + _BATCH], keys)
    return PurgeCheck(
        tables_checked=len(tables),
        remaining_rows=remaining,
        time_travel_days={table.shown: table.days for table in tables},
        default_time_travel_days=_defaults(connection, {table.schema for table in tables}),
        permanent_tables=tuple(table.shown for table in tables if table.permanent),
    )


def _tables(connection: SnowflakeConnection) -> list[_Table]:
    """Return the tables of all schemas that have keys; views contain no rows."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for schema, table, column, type_, transient, days in run(
        connection,
        "select c.table_schema, c.table_name, c.column_name, t.table_type, t.is_transient,"
        " t.retention_time from information_schema.columns as c inner join"
        " information_schema.tables as t on t.table_schema = c.table_schema and t.table_name ="
        " c.table_name where lower(c.column_name) in ('patient_key', 'study_key') and t.table_type"
        " <> 'VIEW' order by c.table_schema, c.table_name, c.column_name",
    ):
        facts = found.setdefault((schema, table), {
            "columns": (), "days": int(days or 0),
            "permanent": type_ == "BASE TABLE" and transient == "NO",
        })  # fmt: skip
        facts["columns"] += (column,)
    return [_Table(schema, table, **facts) for (schema, table), facts in found.items()]


def _count(
    connection: SnowflakeConnection, tables: Sequence[_Table], keys: SubjectKeys
) -> dict[str, int]:
    """Count rows with a key of a patient or of a study, in one statement."""
    # as one bound text: the number of keys is not limited
    lists = [json.dumps(sorted(set(values))) for values in (keys.patients, keys.studies)]
    counts = " union all ".join(_counted(number, table) for number, table in enumerate(tables))
    rows = run(
        connection,
        "with patients as (select cast(value as varchar) as key_value from"
        " table(flatten(input => parse_json(?)))), studies as (select cast(value as varchar) as"
        f" key_value from table(flatten(input => parse_json(?)))) {counts}",
        *lists,
    )
    return {tables[number].shown: int(count) for number, count in sorted(rows) if count}


def _counted(number: int, table: _Table) -> str:
    # joins, because Snowflake's reference does not say whether `or` may have two subqueries
    joins: list[str] = []
    found: list[str] = []
    for column in table.columns:
        keys = "patients" if column.lower() == "patient_key" else "studies"
        alias = f"k{len(joins)}"
        joins.append(
            f" left join {keys} as {alias} on cast(t.{_exact(column)} as varchar) ="
            f" {alias}.key_value"
        )
        found.append(f"{alias}.key_value is not null")
    return (
        f"select {number} as table_number, count(*) as row_count from"
        f" {_exact(table.schema)}.{_exact(table.name)} as t{''.join(joins)}"
        f" where {' or '.join(found)}"
    )


def _defaults(connection: SnowflakeConnection, schemas: set[str]) -> dict[str, int]:
    [(database,)] = run(
        connection,
        "select retention_time from information_schema.databases"
        " where database_name = current_database()",
    )
    rows = run(
        connection,
        "select schema_name, retention_time from information_schema.schemata order by schema_name",
    )
    of_schemas = {f"schema {_shown(s)}": int(days or 0) for s, days in rows if s in schemas}
    return {"database": int(database or 0)} | of_schemas


def _exact(identifier: str) -> str:
    """Return a quoted name as the catalog has it, which may be in lower case."""
    return '"' + identifier.replace('"', '""') + '"'


def _shown(identifier: str) -> str:
    return identifier.lower() if identifier == identifier.upper() else identifier


def _listed(tables: Sequence[str]) -> str:
    more = len(tables) - _NAMES_SHOWN
    return ", ".join(tables[:_NAMES_SHOWN]) + (f" and {more} more tables" if more > 0 else "")


def _days(days: int) -> str:
    return f"{days} day" if days == 1 else f"{days} days"
