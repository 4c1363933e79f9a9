"""Errors of Snowflake give one line with the error number and without the message.

The real connector connects to a server that responds as Snowflake does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dicom_pipeline.config.settings import load_snowflake_settings
from dicom_pipeline.warehouse.snowflake.session import SnowflakeError, dbt_error_lines, run, session
from tests.endtoend.conftest import Site

from .refusing_snowflake import RefusingSnowflake

PASSWORD = "pw-71c0-not-to-be-seen"
SECRETS = ("SECRETKEY", "Müller", "raw.patients", PASSWORD)


@pytest.fixture
def server() -> Iterator[RefusingSnowflake]:
    made = RefusingSnowflake()
    yield made
    made.close()


def environment(port: int) -> dict[str, str]:
    return {
        "DBT_TARGET": "snowflake", "SNOWFLAKE_ACCOUNT": "a", "SNOWFLAKE_USER": "builder",
        "SNOWFLAKE_PASSWORD": PASSWORD, "SNOWFLAKE_HOST": "127.0.0.1",
        "SNOWFLAKE_PORT": str(port), "SNOWFLAKE_PROTOCOL": "http",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "state", "words"),
    [
        ("000606", "57P03", "no warehouse is active"),
        ("003001", "42501", "the role lacks a privilege"),
        ("002003", "02000", "does not exist, or the role may not see it"),
        ("002043", "02000", "does not exist, or the role may not see it"),
        ("090073", "22000", "no credits left"),
        ("000604", "57014", "see the query's page"),
    ],
)
def test_a_refused_statement_is_reported_by_its_error_number(
    server: RefusingSnowflake, code: str, state: str, words: str
) -> None:
    server.code, server.state = code, state
    settings = load_snowflake_settings(environment(server.port))
    with pytest.raises(SnowflakeError) as found, session(settings) as connection:
        run(connection, "select 1")
    told = str(found.value)
    assert told.startswith(f"Snowflake, error {code}: ")
    assert words in told
    assert found.value.is_retryable is (code == "000604")
    assert "01b2-0000" in told
    assert "\n" not in told
    assert not [secret for secret in SECRETS if secret in told]


def test_errors_printed_by_dbt_are_reported_by_number_only() -> None:
    output = (
        "Database Error in model staged_images (models/stage/staged_images.sql)\n"
        "  000606 (57P03): 01b2-0000: No active warehouse selected in the current session.\n"
        "  100038 (22018): Numeric value 'Müller^Anna' is not recognized\n  20240101 (x): no\n"
    )
    first, second = dbt_error_lines(output)
    assert "error 000606: no warehouse is active" in first
    assert second == "Snowflake, error 100038: see the query's page in Snowflake"
    assert dbt_error_lines("all went well (12345): 7") == []


def test_a_run_with_a_refused_statement_reports_one_line(
    server: RefusingSnowflake, tmp_path: Path
) -> None:
    site = Site(tmp_path)
    site.put("CT_small.dcm")
    site.environment |= environment(server.port)
    output = site.command("run", code=1)
    errors = [line for line in output.splitlines() if "error" in line]
    assert len(errors) == 1
    assert errors[0].startswith("error: Snowflake, error 000606: no warehouse is active")
    assert "Traceback" not in output
    assert server.asked
    assert site.database.exists()  # DuckDB's tables are published before
    written = [p for p in Path(site.environment["DAGSTER_HOME"]).rglob("*") if p.is_file()]
    for text in (output.encode(), *(path.read_bytes() for path in written)):
        assert not [secret for secret in SECRETS if secret.encode() in text]
