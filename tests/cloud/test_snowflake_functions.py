"""The local server returns the results in Snowflake's reference for functions of the models."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from dicom_pipeline.config.settings import load_snowflake_settings
from dicom_pipeline.warehouse.snowflake.session import SnowflakeError, run, session

from .snowflake_server import SnowflakeServer, snowflake  # noqa: F401

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

# an expression and its result in the reference
CASES: list[tuple[str, object]] = [
    ("array_size(array_construct())", 0),
    ("array_size(parse_json('[1, null]'))", 2),
    ("cast(get(parse_json('[1.5, 2]'), 1) as float)", 2.0),
    ("cast(get(parse_json('[1.5, 2]'), 2) as float)", None),
    ("parse_json('{\"b\": [null]}')", '{"b":[null]}'),
    ("cast('2020-01-02' as date)", datetime.date(2020, 1, 2)),
    ("cast('12:13:14.5' as time)", datetime.time(12, 13, 14, 500_000)),
    ("cast('2020-01-02 12:13:14.5' as timestamp_ntz)",
     datetime.datetime(2020, 1, 2, 12, 13, 14, 500_000)),
    ("cast(null as timestamp_ntz)", None),
    ("datediff(day, cast('2019-12-30' as date), cast('2020-01-02' as date))", 3),
    ("lpad(cast(12 as varchar), 4, '0') || 'a'", "0012a"),
    # an element that is an SQL NULL is no JSON; an element of the loaded tables is a JSON null
    ("array_construct('a', null)", '["a",undefined]'),
    ("array_construct(null, array_construct(1, null))", "[undefined,[1,undefined]]"),
    ("array_sort(array_construct('b', null, 'a'))", '["a","b",undefined]'),
    ("cast(parse_json(cast('[\"a\", null]' as varchar)) as array)", '["a",null]'),
    ("array_construct('a', parse_json('null'))", '["a",null]'),
]  # fmt: skip
# array expressions and their results
ARRAYS: list[tuple[str, list[object]]] = [
    ("array_construct_compact('a', null, 'b')", ["a", "b"]),
    ("array_compact(array_construct('a', null))", ["a"]),
    ("array_compact(cast(parse_json('[\"a\", null]') as array))", ["a"]),
    ("array_sort(array_construct('ab', 'a b', 'a'))", ["a", "a b", "ab"]),
    ("array_sort(array_distinct(array_flatten(array_construct(array_construct('b'),"
     " array_construct('a', 'b')))))", ["a", "b"]),
]  # fmt: skip


@pytest.fixture(scope="module")
def connection(snowflake: SnowflakeServer) -> Iterator[SnowflakeConnection]:  # noqa: F811
    with session(load_snowflake_settings(snowflake.environment("FUNCTIONS"))) as connection:
        run(connection, "create schema s")
        yield connection


@pytest.mark.parametrize(("expression", "expected"), CASES, ids=[case[0] for case in CASES])
def test_an_expression_has_the_documented_result(
    connection: SnowflakeConnection, expression: str, expected: object
) -> None:
    assert run(connection, f"select {expression} as result") == [(expected,)]


@pytest.mark.parametrize(("expression", "expected"), ARRAYS, ids=[case[0] for case in ARRAYS])
def test_an_array_expression_has_the_documented_result(
    connection: SnowflakeConnection, expression: str, expected: list[object]
) -> None:
    [(found,)] = run(connection, f"select {expression} as result")
    assert json.loads(found) == expected


def test_array_agg_omits_nulls_and_is_never_null(
    connection: SnowflakeConnection,
) -> None:
    rows = "(select 'b' as c union all select 'a' union all select null) as t"
    [(some, none)] = run(
        connection,
        f"select array_sort(array_agg(distinct c)) as some, array_agg(case when false then c end)"
        f" as none from {rows}",
    )
    assert (json.loads(some), json.loads(none)) == (["a", "b"], [])


def test_flatten_numbers_the_elements_of_an_array(connection: SnowflakeConnection) -> None:
    run(connection, "create table s.texts (id number, words varchar)")
    for number in range(20):
        run(
            connection,
            "insert into s.texts values (?, ?)",
            number,
            " ".join("abcdefgh"[number % 8 :]),
        )
    rows = run(
        connection,
        "select arrays.id, cast(elements.value as varchar) as element, elements.index + 1 as place"
        " from (select id, split(words, ' ') as parts from s.texts) as arrays,"
        " lateral flatten(input => arrays.parts) as elements",
    )
    for number in range(20):
        found = [element for id_, element, _ in sorted(rows, key=lambda r: r[2]) if id_ == number]
        assert found == list("abcdefgh"[number % 8 :])


@pytest.mark.parametrize(
    "statement",
    [
        "select list_transform(['a'], lambda x: x) as result",
        "select nowhere from s.texts",
    ],
)
def test_sql_that_snowflake_refuses_is_refused(
    snowflake: SnowflakeServer, statement: str  # noqa: F811
) -> None:  # fmt: skip
    settings = load_snowflake_settings(snowflake.environment("FUNCTIONS"))
    with pytest.raises(SnowflakeError), session(settings) as connection:
        run(connection, statement)


def test_a_transaction_is_rolled_back_as_a_whole(connection: SnowflakeConnection) -> None:
    run(connection, "create table s.numbers (id number)")
    run(connection, "begin")
    run(connection, "insert into s.numbers values (1)")
    run(connection, "rollback")
    assert run(connection, "select count(*) as n from s.numbers") == [(0,)]
