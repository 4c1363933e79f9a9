"""Setup script, settings and error messages for Snowflake; no server is needed."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from dicom_pipeline.config.settings import SettingsError, load_settings, load_snowflake_settings
from dicom_pipeline.warehouse.snowflake.session import (
    SnowflakeError,
    _arguments,
    error_line,
    session,
    text,
)
from dicom_pipeline.warehouse.snowflake.setup import PRIVATE, setup_script, setup_statements

from .snowflake_grammar import grammar_error

LOGIN = {"SNOWFLAKE_ACCOUNT": "org-acct", "SNOWFLAKE_USER": "u", "SNOWFLAKE_PASSWORD": "hunter2"}


@pytest.mark.parametrize("edition", ["standard", "enterprise"])
def test_every_setup_statement_is_valid_for_snowflake(edition: str) -> None:
    settings = load_snowflake_settings({"SNOWFLAKE_EDITION": edition}, login=False)
    statements = [s for _, group in setup_statements(settings) for s in group]
    assert len(statements) > 25
    for statement in statements:
        assert grammar_error(statement) is None, statement
    assert any("masking policy" in s for s in statements) == (edition == "enterprise")


@pytest.mark.parametrize(
    "statement",
    [
        "alter schema a swap b",
        "alter table a alter column b comment 'it's'",
        "create role if not exist x",
        "grant all to everybody",
        "select start from (select 1 as start) as t",
        "select transform(x, lambda v: v) from t where",
    ],
)
def test_an_invalid_statement_is_detected(statement: str) -> None:
    assert grammar_error(statement)


def test_analysts_are_granted_the_published_schema_only() -> None:
    settings = load_snowflake_settings({"SNOWFLAKE_ANALYST_ROLE": "readers"}, login=False)
    granted = [
        statement
        for _, group in setup_statements(settings)
        for statement in group
        if statement.endswith('to role "READERS"')
    ]
    assert granted
    for statement in granted:
        assert not re.search(rf"\b({'|'.join(PRIVATE)})\b", statement)
    assert 'grant usage on schema "DICOM".processed to role "READERS"' in granted


def test_the_setup_uses_the_configured_names_and_contains_no_secret() -> None:
    names = {
        "SNOWFLAKE_DATABASE": "imaging", "SNOWFLAKE_WAREHOUSE": "wh_1", "SNOWFLAKE_ROLE": "maker",
        "SNOWFLAKE_WAREHOUSE_SIZE": "medium",
    }  # fmt: skip
    script = setup_script(load_snowflake_settings(names | LOGIN))
    for name in ('"IMAGING"', '"WH_1"', '"MAKER"', "warehouse_size = MEDIUM"):
        assert name in script
    assert "hunter2" not in script


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"SNOWFLAKE_ACCOUNT": ""}, "SNOWFLAKE_ACCOUNT"),
        ({"SNOWFLAKE_PASSWORD": ""}, "SNOWFLAKE_PRIVATE_KEY_PATH"),
        ({"SNOWFLAKE_PRIVATE_KEY_PATH": "/nowhere/at/all.p8"}, "SNOWFLAKE_PRIVATE_KEY_PATH"),
        ({"SNOWFLAKE_ROLE": "x; drop"}, "SNOWFLAKE_ROLE"),
        ({"SNOWFLAKE_WAREHOUSE_SIZE": "huge"}, "SNOWFLAKE_WAREHOUSE_SIZE"),
        ({"SNOWFLAKE_EDITION": "pro"}, "SNOWFLAKE_EDITION"),
        ({"SNOWFLAKE_PORT": "99999"}, "SNOWFLAKE_PORT"),
        ({"SNOWFLAKE_QUERY_TAG": "a'b"}, "SNOWFLAKE_QUERY_TAG"),
        ({"SNOWFLAKE_PROTOCOL": "http"}, "SNOWFLAKE_PROTOCOL"),
    ],
)
def test_an_invalid_setting_is_named_in_a_one_line_error(
    changed: dict[str, str], names: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({"DBT_TARGET": "snowflake"} | LOGIN | changed)
    message = str(refused.value)
    assert names in message
    assert "\n" not in message
    assert "hunter2" not in message


def test_a_login_is_required_only_for_the_snowflake_target() -> None:
    assert load_settings({}).snowflake is None
    settings = load_settings({"DBT_TARGET": "snowflake"} | LOGIN)
    assert settings.snowflake is not None
    assert settings.snowflake.account == "org-acct"
    assert "hunter2" not in repr(settings) + repr(settings.snowflake)


def test_a_key_pair_takes_precedence_over_a_password(tmp_path: pytest.TempPathFactory) -> None:
    key = tmp_path / "key.p8"  # type: ignore[operator]
    key.write_text("-")
    both = LOGIN | {"SNOWFLAKE_PRIVATE_KEY_PATH": str(key)}
    arguments = _arguments(load_snowflake_settings(both))
    assert arguments["private_key_file"] == str(key)
    assert "password" not in arguments
    assert arguments["session_parameters"] == {"QUERY_TAG": "dicom_pipeline"}


def test_an_error_message_omits_quoted_values() -> None:
    error = SimpleNamespace(
        errno=3001, sfqid="01b2", msg="SQL access control error: value 'Doe^John' of select 1"
    )
    message = error_line(error)
    assert "Doe" not in message
    assert "select" not in message
    assert "003001" in message
    assert "01b2" in message


def test_a_text_with_quotes_and_backslashes_stays_one_literal() -> None:
    assert text("it's \\ one") == "'it''s \\\\ one'"
    assert grammar_error(f"select {text(chr(92) + chr(39))}") is None


def test_an_unreachable_server_gives_a_one_line_error() -> None:
    nowhere = {"SNOWFLAKE_HOST": "127.0.0.1", "SNOWFLAKE_PORT": "9", "SNOWFLAKE_PROTOCOL": "http"}
    settings = load_snowflake_settings(LOGIN | nowhere)
    with pytest.raises(SnowflakeError) as refused, session(settings):
        pass
    assert refused.value.is_retryable
    message = str(refused.value)
    assert "SNOWFLAKE_ACCOUNT" in message
    assert "\n" not in message
    assert "hunter2" not in message
