"""The local server returns the results in Snowflake's reference for functions of the models."""

from __future__ import annotations

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
    ("regexp_replace('ab-12 AB', 'ab', ' ' || chr(30), 1, 0, 'i')", " \x1e-12  \x1e"),
    (r"regexp_replace('aBcD', '([a-z])([A-Z])', '\\1 \\2')", "a Bc D"),
    ("regexp_like('abc', 'b')", False),
    ("regexp_like('abc', '.*b.*')", True),
    ("sha2('abc', 256)", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("to_number('fffffffffffffff', 'XXXXXXXXXXXXXXX')", 2**60 - 1),
    ("7 * (52 + to_number('fff', 'XXXXXXXXXXXXXXX') % 469)", 7 * (52 + 0xFFF % 469)),
    ("array_contains(to_variant('a'), array_construct('a', 'b'))", True),
    ("array_contains(to_variant('z'), array_construct('a', 'b'))", False),
    ("array_contains(to_variant('a'), null)", None),
    ("array_size(array_construct())", 0),
    ("array_size(as_array(try_parse_json('[1, 2]')))", 2),
    ("as_array(try_parse_json('{}'))", None),
    ("as_array(try_parse_json('nonsense'))", None),
    ("to_json(to_variant('a\"b'))", '"a\\"b"'),
    ("try_cast('2020-02-30' as date)", None),
    ("date_part(epoch_microsecond, try_cast('2020-01-02 12:13:14.5' as timestamp_ntz))",
     1577967194500000),
    ("to_char(cast(dateadd(day, -(7), try_cast('2020-01-02' as date)) as date), 'YYYYMMDD')",
     "20191226"),
    ("position('b' in 'abc')", 2),
    ("split_part('a:b', ':', 2)", "b"),
    ("cast(null as timestamp_ntz)", None),
]  # fmt: skip
# array expressions and their results
ARRAYS: list[tuple[str, list[object]]] = [
    ("regexp_substr_all('ab 12', '[0-9]+|[a-z]+')", ["ab", "12"]),
    (r"split('a\\b', '\\')", ["a", "b"]),
    (r"transform(split('1\\2', '\\'), x varchar -> try_cast(x as float))", [1.0, 2.0]),
    (r"transform(split('1\\ ', '\\'), x varchar -> nullif(trim(x), ''))", ["1", None]),
    (r"filter(split('1\\ \\2', '\\'), x varchar -> trim(x) <> '')", ["1", "2"]),
    ("array_construct_compact('a', null, 'b')", ["a", "b"]),
    ("array_compact(array_construct('a', null))", ["a"]),
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
        "select regexp_replace('aaa', 'a', 'b', 2) as result",
        "select regexp_replace('aaa', 'a', 'b', 1, 2) as result",
        "select to_number('12', '99') as result",
        "select list_transform(['a'], lambda x: x) as result",
        "select nowhere from s.texts",
    ],
)
def test_arguments_that_the_patches_do_not_support_are_refused(
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
