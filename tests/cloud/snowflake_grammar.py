"""Check that a statement is valid for Snowflake, by sqlglot's dialect and Snowflake's reference.

sqlglot parses unknown administrative statements as `Command` without a check. `FORMS` lists each
form of them that the package sends, as in Snowflake's reference.
"""

from __future__ import annotations

import logging
import re

import sqlglot
from sqlglot import exp

NAME = r'("?\w+"?\.){0,2}"?\w+"?'
TEXT = r"'([^'\\]|''|\\\\)*'"
_COMMENT = rf"column {NAME} comment {TEXT}"
_POLICY = rf"masking policy {NAME}"
FORMS = [
    rf"alter schema {NAME} set data_retention_time_in_days = \d+",
    rf"alter table {NAME} alter {_COMMENT}(, {_COMMENT})*",
    rf"alter table {NAME} modify column {NAME} set tag {NAME} = {TEXT}",
    rf"alter tag {NAME} set {_POLICY}(, {_POLICY})*",
    rf"create masking policy if not exists {NAME} as \(value (varchar|array|variant)\) returns"
    r" (varchar|array|variant) -> case when .* end",
    rf"create role if not exists {NAME}",
    rf"create user if not exists {NAME} type = service( \w+ = ({NAME}|{TEXT}))+",
    rf"grant ownership on schema {NAME} to role {NAME} copy current grants",
    rf"grant role {NAME} to (role|user) {NAME}",
    rf"grant select on all tables in schema {NAME} to role {NAME}",
    rf"remove @{NAME}(/\w+)?",
    # sent by dbt
    rf"show user functions in {NAME}",
]

# words that cannot be names without quotes (the reference's list of reserved keywords)
RESERVED = frozenset(
    re.findall(
        r"\w+",
        """account all alter and any as between by case cast check column connect connection
        constraint create cross current current_date current_time current_timestamp current_user
        database delete distinct drop else exists false following for from full grant group
        gscluster having ilike in increment inner insert intersect into is issue join lateral left
        like localtime localtimestamp minus natural not null of on or order organization qualify
        regexp revoke right rlike row rows sample schema select set some start table tablesample
        then to trigger true try_cast union unique update using values view when whenever where
        with""",
    )
)

logging.getLogger("sqlglot").setLevel(logging.ERROR)


def grammar_error(statement: str) -> str | None:
    """Return the error in a statement, or None if it is valid."""
    try:
        parsed = sqlglot.parse(statement, read="snowflake")
    except sqlglot.errors.SqlglotError as error:
        return str(error)[:200]
    for tree in filter(None, parsed):
        if any(isinstance(node, exp.Command) for node in tree.walk()):
            bare = " ".join(re.sub(r"/\*.*?\*/", "", statement, flags=re.DOTALL).split())
            bare = bare.rstrip(" ;")
            if not any(re.fullmatch(form, bare, re.IGNORECASE | re.DOTALL) for form in FORMS):
                return f"a form that is not in FORMS: {bare[:100]}"
        for name in tree.find_all(exp.Identifier):
            if not name.quoted and name.name.lower() in RESERVED:
                return f"a reserved word as a name: {name.name}"
    return None
