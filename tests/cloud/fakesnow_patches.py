"""fakesnow as a server, with patches for its errors; runs in its own environment.

Usage: python fakesnow_patches.py PORT STATEMENTS

Belongs here: differences between fakesnow and Snowflake's documented behaviour, each with a patch
and its reason. A patch never accepts SQL that Snowflake refuses: it accepts the arguments in
Snowflake's reference and raises an error for others.
Does not belong here: starting and stopping the server (snowflake_server.py), tests.

Each statement of a client is written to the file STATEMENTS, one JSON text per line, its bound
values to `bindings.jsonl` and each uploaded file to the directory `uploads` beside it.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from string import Template
from typing import Any

import duckdb
import fakesnow.arrow as fake_arrow
import fakesnow.cursor as fake_cursor
import fakesnow.info_schema as fake_info_schema
import fakesnow.macros as fake_macros
import fakesnow.server as server
import pyarrow as pa
import pyarrow.compute as pc
import snowflake.connector.errors
import uvicorn
from sqlglot import exp

Cursor = fake_cursor.FakeSnowflakeCursor
# an SQL NULL in an ARRAY, which fakesnow would store as a JSON null; sorted after all other texts
_MISSING = "\U0010fffdundefined"


def _duck(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """Return a call of a DuckDB function, which fakesnow does not rewrite."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def _texts(array: exp.Expr) -> exp.Expr:
    """Convert an ARRAY (JSON in fakesnow) to a list of texts."""
    return _duck("from_json", _duck("to_json", array), exp.Literal.string('["VARCHAR"]'))


def _element(value: exp.Expr) -> exp.Expr:
    """Return an element of ARRAY_CONSTRUCT: JSON has no mark for an SQL NULL, Snowflake has one."""
    missing = exp.cast(exp.Literal.string(json.dumps(_MISSING, ensure_ascii=False)), "json")
    is_null = exp.Is(this=value.copy(), expression=exp.Null())
    return exp.Case(ifs=[exp.If(this=is_null, true=missing)], default=_duck("to_json", value))


def _rewritten(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Array):
        elements = [_element(element) for element in node.expressions]
        return _duck("json_array", *elements)
    # these return DuckDB lists, which the array functions refuse
    if isinstance(node, exp.SortArray):
        return _duck("to_json", _duck("list_sort", _texts(node.this)))
    if isinstance(node, exp.ArrayDistinct):
        return _duck("to_json", _duck("list_distinct", _texts(node.this)))
    if isinstance(node, exp.Flatten):
        lists = _duck("from_json", _duck("to_json", node.this), exp.Literal.string('[["VARCHAR"]]'))
        return _duck("to_json", _duck("flatten", lists))
    if isinstance(node, exp.ArrayCompact):
        # a comparison with null is null, which the filter omits
        present = exp.Lambda(
            this=exp.NEQ(this=exp.column("v"), expression=exp.Literal.string(_MISSING)),
            expressions=[exp.to_identifier("v")],
        )
        return _duck("to_json", _duck("list_filter", _texts(node.this), present))
    if isinstance(node, exp.ArrayAgg):
        # Snowflake omits nulls, and returns an empty array for no rows
        value = node.this.this if isinstance(node.this, exp.Distinct) else node.this
        value = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else value
        there = exp.Where(this=exp.Not(this=exp.Is(this=value.copy(), expression=exp.Null())))
        gathered = exp.Filter(this=_duck("list", node.this), expression=there)
        return _duck(
            "coalesce", _duck("to_json", gathered), exp.cast(exp.Literal.string("[]"), "json")
        )
    return node


def _rewrite(tree: exp.Expr) -> exp.Expr:
    """Rewrite from the leaves up, so that arguments of rewritten calls are rewritten too."""
    for node in list(tree.walk(bfs=False))[::-1]:
        fresh = _rewritten(node)
        if fresh is not node:
            if node is tree or node.parent is None:
                tree = fresh
            else:
                # a rewritten node may contain the children of the old node, not the old node
                node.replace(fresh)
    return tree


_original_transform = Cursor._transform


def _transform(self: Any, expression: exp.Expr, params: Any) -> exp.Expr:
    # DuckDB has no temporary tables in named schemas; dbt drops the table at the end
    if isinstance(expression, exp.Create) and expression.args.get("kind") in ("TABLE", "VIEW"):
        table, properties = expression.find(exp.Table), expression.args.get("properties")
        if table is not None and table.db and properties:
            kept = [p for p in properties.expressions if not isinstance(p, exp.TemporaryProperty)]
            properties.set("expressions", kept)
    return _original_transform(self, _rewrite(expression), params)


# Queries of dbt for `grants` and `query_tag`; the answers are empty.
_COMMENT = r"^\s*(/\*.*?\*/\s*)*"
_ANSWERS = [
    (
        re.compile(_COMMENT + r"show\s+grants\b", re.IGNORECASE | re.DOTALL),
        """select null::varchar as "privilege", null::varchar as "granted_to",
        null::varchar as "grantee_name" where false""",
    ),
    (
        re.compile(_COMMENT + r"show\s+parameters\s+like\s+'query_tag'", re.IGNORECASE | re.DOTALL),
        """select 'QUERY_TAG' as "key", '' as "value", '' as "default", '' as "level",
        '' as "description" """,
    ),
]

# Accepted without effect; tests with these statements prove nothing.
_WITHOUT_EFFECT = [
    r"(/\*.*?\*/\s*)*(grant|revoke)\s",
    r"create\s+(or\s+replace\s+)?(role|warehouse|masking\s+policy|tag|resource\s+monitor)\b",
    r"alter\s+(warehouse|role|user|session|tag)\b",
    r"alter\s+(table|view|schema)\s+\S+\s+(modify\s+column\s+\S+\s+)?set\s+(masking|tag)",
    r'alter\s+table\s+\S+\s+alter\s+column\s+"\w+"\s+comment\s',
    r"alter\s+schema\s+\S+\s+set\s+data_retention_time_in_days\b",
    r"alter\s+table\s+\S+\s+set\s+data_retention_time_in_days\b",
    r"alter\s+table\s+\S+\s+cluster\s+by\b",
    r"use\s+(secondary\s+roles|role|warehouse)\b",
    r"(/\*.*?\*/\s*)*comment\s+(if\s+exists\s+)?on\b",
    r"(remove|rm)\s+@",
]

_original_execute = Cursor.execute
_original_upload = server._write_bucket_file


def _upload(path: str, body: bytes) -> Any:
    uploads = Path(sys.argv[2]).with_name("uploads")
    uploads.mkdir(exist_ok=True)
    number = len(list(uploads.iterdir()))
    (uploads / f"{number:06d}-{Path(path).name}").write_bytes(body)
    return _original_upload(path, body)


def _execute(self: Any, command: str, *arguments: Any, **named: Any) -> Any:
    with Path(sys.argv[2]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(command) + "\n")
    if bound := [*arguments, named.get("binding_params")]:
        with Path(sys.argv[2]).with_name("bindings.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(bound, default=str) + "\n")
    for pattern, answer in _ANSWERS:
        if pattern.search(command):
            command = answer
    try:
        result = _original_execute(self, command, *arguments, **named)
        _record_retention(self._duck_conn, command)
        return result
    except snowflake.connector.errors.Error:
        _end_broken_transaction(self)
        raise
    except Exception as error:
        # the connector would retry an HTTP 500 response for minutes
        _end_broken_transaction(self)
        raise snowflake.connector.errors.ProgrammingError(
            msg=f"fakesnow: {type(error).__name__}: {error}", errno=9998, sqlstate="99998"
        ) from error


# In fakesnow's catalog, every object is permanent with a retention of 1 day. On Snowflake, a table
# is transient if it was created so or in a transient schema, and its retention is its own, else
# that of its schema, else that of the database. The database of the tests is permanent with
# Snowflake's default of 1 day, as one that was not created by the setup script.
# The properties of a table are stored in its comment, because it may be created in a transaction,
# in which DuckDB cannot write to another database; those of schemas in a table.
_RETENTION_TABLE = """
create table if not exists ${catalog}._fs_information_schema._fs_retention
    (retained_schema varchar, transient boolean, days integer);
"""
_OF_SCHEMA = """(select {} from ${{catalog}}._fs_information_schema._fs_retention
    where upper(retained_schema) = upper({}))"""
_NAME = r'(?P<name>(?:(?:"[^".]+"|\w+)\.){0,2}(?:"[^".]+"|\w+))'
_CREATE = re.compile(
    _COMMENT + r"create\s+(?:or\s+replace\s+)?(?P<transient>transient\s+)?"
    r"(?P<kind>table|schema)\s+(?P<if>if\s+not\s+exists\s+)?" + _NAME, re.IGNORECASE | re.DOTALL,
)  # fmt: skip
_ALTER = re.compile(
    _COMMENT + r"alter\s+(?P<kind>table|schema)\s+" + _NAME + r"\s+set\s", re.IGNORECASE | re.DOTALL
)
_DROP = re.compile(
    _COMMENT + r"drop\s+schema\s+(?:if\s+exists\s+)?" + _NAME, re.IGNORECASE | re.DOTALL
)
_CLONE = re.compile(r"\s+clone\s+" + _NAME, re.IGNORECASE)
_DAYS = re.compile(r"\bdata_retention_time_in_days\s*=\s*(\d+)", re.IGNORECASE)


def _with_retention(view: Template, schema: str, comment: str | None) -> Template:
    """Return the view of tables or of schemas with the recorded properties."""
    own_transient = f"coalesce(json_extract_string({comment}, '$$.transient') = 'true', false)"
    own_days = f"cast(json_extract_string({comment}, '$$.days') as integer)"
    transient = f"coalesce({_OF_SCHEMA.format('bool_or(transient)', schema)}, false)"
    days = _OF_SCHEMA.format("max(days)", schema)
    if comment:
        transient, days = f"{own_transient} or {transient}", f"{own_days}, {days}"
    sql = view.template
    for name in ("IS_TRANSIENT", '"IS_TRANSIENT"'):
        sql = re.sub(
            rf"'NO' as {name}", f"case when {transient} then 'YES' else 'NO' end as {name}", sql,
            flags=re.IGNORECASE,
        )  # fmt: skip
    for name in ("RETENTION_TIME", '"RETENTION_TIME"'):
        sql = re.sub(rf"\b1 as {name}", f"coalesce({days}, 1) as {name}", sql, flags=re.IGNORECASE)
    assert sql.count("_fs_retention") >= 2, "fakesnow's view has changed"
    return Template(_RETENTION_TABLE + sql)


def _record_retention(connection: Any, command: str) -> None:
    """Record the retention that a statement has set."""
    days = _DAYS.search(command)
    number = int(days[1]) if days else None
    if found := _CREATE.match(command):
        transient = bool(found["transient"])
        name, keep = found["name"], bool(found["if"])
    elif found := _ALTER.match(command):
        if days is None:
            return
        transient, name, keep = None, found["name"], False
    elif found := _DROP.match(command):
        _set_schema(connection, found["name"], None)
        return
    else:
        return
    if found["kind"].lower() == "schema":
        if not (keep and _schema(connection, name)):
            old = _schema(connection, name) or (False, None)
            _set_schema(connection, name, (old[0] if transient is None else transient, number))
        return
    stored = _table(connection, name)
    if keep and stored:
        return
    if transient is None:
        transient = bool(stored and stored["transient"])
    # parameters that are set on a table are those of its clones too
    if cloned := _CLONE.match(command, found.end()):
        number = (_table(connection, cloned["name"]) or {}).get("days")
    properties = json.dumps({"transient": transient, "days": number})
    connection.execute(f"comment on table {name} is '{properties}'")


def _table(connection: Any, name: str) -> dict[str, Any] | None:
    parts = [part.strip('"') for part in name.split(".")]
    catalog = parts[-3] if len(parts) > 2 else _database(connection)
    schema = parts[-2] if len(parts) > 1 else None
    [(stored,)] = connection.execute(
        "select any_value(comment) from duckdb_tables() where upper(table_name) = upper(?) and"
        " upper(database_name) = upper(?) and upper(schema_name) = upper(coalesce(?,"
        " current_schema()))",
        [parts[-1], catalog, schema],
    ).fetchall()
    return json.loads(stored) if stored else None


def _database(connection: Any) -> str:
    [(database,)] = connection.execute("select current_database()").fetchall()
    return str(database)


def _schema(connection: Any, name: str) -> tuple[bool, int | None] | None:
    table, schema = _retention_of(connection, name)
    rows = connection.execute(
        f"select transient, days from {table} where upper(retained_schema) = upper(?)", [schema]
    ).fetchall()
    return rows[0] if rows else None


def _set_schema(connection: Any, name: str, properties: tuple[bool, int | None] | None) -> None:
    table, schema = _retention_of(connection, name)
    connection.execute(f"delete from {table} where upper(retained_schema) = upper(?)", [schema])
    if properties:
        connection.execute(f"insert into {table} values (?, ?, ?)", [schema, *properties])


def _retention_of(connection: Any, name: str) -> tuple[str, str]:
    parts = [part.strip('"') for part in name.split(".")]
    database = parts[0] if len(parts) > 1 else _database(connection)
    return f'"{database}"._fs_information_schema._fs_retention', parts[-1]


def _end_broken_transaction(cursor: Any) -> None:
    """Roll back after an error: DuckDB accepts only a rollback, Snowflake continues.

    This differs from Snowflake, but not for clients that roll back after an error.
    """
    try:
        cursor._duck_conn.execute("select 1")
    except duckdb.TransactionException:
        cursor._duck_conn.execute("rollback")


_original_struct = fake_arrow.timestamp_to_sf_struct


def _struct(timestamps: Any) -> pa.StructArray:
    """Add the missing validity mask, without which a NULL timestamp is 1970."""
    if isinstance(timestamps, pa.ChunkedArray):
        timestamps = timestamps.combine_chunks()
    struct = _original_struct(timestamps)
    fields = [struct.field(index) for index in range(struct.type.num_fields)]
    return pa.StructArray.from_arrays(fields, fields=list(struct.type), mask=timestamps.is_null())


_original_to_sf = fake_arrow.to_sf


def _to_sf(table: pa.Table, rowtype: Any) -> pa.Table:
    """Write an SQL NULL in an ARRAY as `undefined`, as Snowflake does, which is not JSON."""
    mark = json.dumps(_MISSING, ensure_ascii=False)
    columns = [
        pc.replace_substring(column, mark, "undefined")
        if pa.types.is_string(column.type)
        else column
        for column in table.columns
    ]
    return _original_to_sf(pa.Table.from_arrays(columns, schema=table.schema), rowtype)


# fakesnow numbers the elements by a window without an order, which is wrong in parallel execution.
# SEQ and THIS are null: fakesnow would repeat the whole array for each element.
_FLATTEN = Template(
    """
    create or replace macro ${catalog}._fs_flatten(input) as table
    select
        null::bigint as seq,
        e.k as key,
        coalesce(e.k, '[' || e.i || ']') as path,
        e.i as index,
        e.v as value,
        null::json as this
    from (
        select unnest(
            case when json_type(to_json(input)) = 'OBJECT'
                then list_transform(
                    json_keys(to_json(input)),
                    lambda x: struct_pack(
                        k := x, v := cast(to_json(input) -> x as json), i := null::bigint
                    )
                )
                else list_transform(
                    cast(to_json(input) as json[]),
                    lambda x, i: struct_pack(k := null::varchar, v := x, i := (i - 1)::bigint)
                )
            end, recursive := true
        )
    ) as e(k, v, i)
    """
)


def install() -> None:
    views = fake_info_schema
    views.SQL_CREATE_INFORMATION_SCHEMA_TABLES_VIEW = _with_retention(
        views.SQL_CREATE_INFORMATION_SCHEMA_TABLES_VIEW, "tables.schema_name", "tables.comment"
    )
    views.SQL_CREATE_INFORMATION_SCHEMA_SCHEMATA_VIEW = _with_retention(
        views.SQL_CREATE_INFORMATION_SCHEMA_SCHEMATA_VIEW, "schema_name", None
    )
    fake_macros.FS_FLATTEN = _FLATTEN
    Cursor._transform = _transform
    Cursor.execute = _execute
    fake_arrow.timestamp_to_sf_struct = _struct
    server.to_sf = _to_sf
    server.shared_fs.nop_regexes = _WITHOUT_EFFECT
    server._write_bucket_file = _upload


if __name__ == "__main__":
    install()
    uvicorn.run(server.app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
