"""Row-by-row comparison of tables in two DuckDB files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

Table = tuple[dict[str, str], list[tuple[Any, ...]]]


# it contains the time of publication, and lists views that are tables on Snowflake
NOT_COMPARED = "run_info"
# columns of the data dictionary whose values depend on the engine
ENGINE_COLUMNS = ("data_type",)


def tables(database: Path, schema: str, *, without: tuple[str, ...] = ()) -> dict[str, Table]:
    """Return column types and sorted rows of each table of a schema.

    Views are included, because they are tables on Snowflake.
    """
    found: dict[str, Table] = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        for (table,) in connection.execute(
            "select table_name from duckdb_tables() where schema_name = ? union all"
            " select view_name from duckdb_views() where schema_name = ?",
            [schema, schema],
        ).fetchall():
            if table == NOT_COMPARED:
                continue
            types = dict(
                connection.execute(
                    "select column_name, data_type from duckdb_columns()"
                    " where schema_name = ? and table_name = ? order by column_index",
                    [schema, table],
                ).fetchall()
            )
            columns = [column for column in types if column not in without]
            listed = ", ".join(f'"{column}"' for column in columns)
            rows = connection.execute(f'select {listed} from {schema}."{table}"').fetchall()
            kinds = [types[column] for column in columns]
            canonical = [tuple(map(_canonical, row, kinds)) for row in rows]
            found[table] = ({c: types[c] for c in columns}, sorted(canonical, key=repr))
    return found


def _canonical(value: Any, kind: str) -> Any:
    """Return JSON with sorted keys: one engine retains the text, the other sorts the keys."""
    if kind == "JSON" and value is not None:
        return json.dumps(json.loads(value), sort_keys=True)
    return value


def differences(one: dict[str, Table], other: dict[str, Table]) -> dict[str, Any]:
    """Return the differences by table: types, row counts, or columns with two values."""
    found: dict[str, Any] = {}
    for table in sorted(one.keys() | other.keys()):
        if table not in one or table not in other:
            found[table] = "is in one only"
            continue
        (types, rows), (other_types, other_rows) = one[table], other[table]
        if types != other_types:
            found[table] = sorted(set(types.items()) ^ set(other_types.items()))
        elif len(rows) != len(other_rows):
            found[table] = (len(rows), len(other_rows))
        elif rows != other_rows:
            pairs = zip(rows, other_rows, strict=True)
            found[table] = {
                column: (left[place], right[place])
                for left, right in pairs
                for place, column in enumerate(types)
                if left[place] != right[place]
            }
    return found
