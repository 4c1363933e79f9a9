"""Snowflake session, error messages, and quoting in Snowflake SQL.

Belongs here: login, and errors as one line without secrets.
Does not belong here: statements of the steps (load, publish).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dicom_pipeline.common.errors import UserError
from dicom_pipeline.config.snowflake import SnowflakeSettings

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

_NO_LOGIN = 250001
# advice for operators by error number
_ADVICE = {
    _NO_LOGIN: "no login: check SNOWFLAKE_ACCOUNT, SNOWFLAKE_USER, the key or password, the "
    "network",
    390100: "the login was refused: wrong user or password",
    390144: "the login was refused: the key of SNOWFLAKE_PRIVATE_KEY_PATH is not the user's",
    606: "no warehouse is active: check SNOWFLAKE_WAREHOUSE, and that the role may use it",
    90073: "the warehouse cannot be resumed: its resource monitor has no credits left",
    3001: "the role lacks a privilege: run `dicom-pipeline snowflake-setup` as an administrator",
    2003: "an object does not exist, or the role may not see it: see `snowflake-setup`",
    2043: "an object does not exist, or the role may not see it: see `snowflake-setup`",
}


class SnowflakeError(UserError):
    """Snowflake refused a login or a statement; one line without values, secrets or SQL text.

    Parameters
    ----------
    error
        An error of ``snowflake.connector``; its message may quote values and SQL.
    """

    def __init__(self, error: Any) -> None:
        super().__init__(error_line(error))
        number = getattr(error, "errno", None) or 0
        # a person has to follow the advice; only the network recovers by itself
        self.is_retryable = number == _NO_LOGIN or number not in _ADVICE


@contextmanager
def session(settings: SnowflakeSettings) -> Iterator[SnowflakeConnection]:
    """Log in, and log out at the end.

    Raises
    ------
    SnowflakeError
        The login or a statement was refused.
    """
    import snowflake.connector  # takes half a second, which runs on DuckDB do not need
    from snowflake.connector import errors

    logging.getLogger("snowflake.connector").setLevel(logging.CRITICAL)
    try:
        connection = snowflake.connector.connect(**_arguments(settings))
        try:
            yield connection
        finally:
            connection.close()
    except errors.Error as error:
        raise SnowflakeError(error) from None


def _arguments(settings: SnowflakeSettings) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "account": settings.account,
        "user": settings.user,
        "database": settings.database,
        "role": settings.role,
        "warehouse": settings.warehouse,
        "application": "dicom_pipeline",
        "autocommit": True,
        # `?` for bound values: the same statement for all values, without quoting
        "paramstyle": "qmark",
        "login_timeout": 30,
        "platform_detection_timeout_seconds": 0.0,
        "session_parameters": {"QUERY_TAG": settings.query_tag},
    }
    if settings.host:
        arguments |= {
            "host": settings.host, "port": settings.port, "protocol": settings.protocol,
        }  # fmt: skip
    if settings.private_key_path is not None:
        arguments |= {
            "authenticator": "SNOWFLAKE_JWT",
            "private_key_file": str(settings.private_key_path),
        }
        if settings.private_key_passphrase:
            arguments["private_key_file_pwd"] = settings.private_key_passphrase
    else:
        arguments["password"] = settings.password
    return arguments


def error_line(error: Any) -> str:
    """Return one line about an error of the connector, without its message.

    Parameters
    ----------
    error
        An error of ``snowflake.connector``; its message may quote values and SQL.
    """
    query = getattr(error, "sfqid", None)
    return _line(getattr(error, "errno", None) or 0) + (f" (query {query})" if query else "")


def dbt_error_lines(output: str) -> list[str]:
    """Return one line per Snowflake error number in the output of dbt."""
    numbers = dict.fromkeys(map(int, re.findall(r"\b(\d{6}) \([0-9A-Z]{5}\): ", output)))
    return [_line(number) for number in numbers]


def _line(number: int) -> str:
    advice = _ADVICE.get(number, "see the query's page in Snowflake")
    return f"Snowflake, error {number:06d}: {advice}"


def run(connection: SnowflakeConnection, statement: str, *bound: object) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows; ``bound`` values replace ``?``."""
    with connection.cursor() as cursor:
        cursor.execute(statement, bound or None)
        return list(cursor.fetchall())


@contextmanager
def transaction(connection: SnowflakeConnection) -> Iterator[None]:
    """Commit the statements of a block together; roll back after an error."""
    run(connection, "begin")
    try:
        yield
    except BaseException:
        run(connection, "rollback")
        raise
    run(connection, "commit")


def name(identifier: str) -> str:
    """Return a quoted name in upper case, as Snowflake stores unquoted names."""
    return '"' + identifier.upper().replace('"', '""') + '"'


def text(value: str) -> str:
    """Return a text literal; Snowflake reads a backslash as an escape character."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
