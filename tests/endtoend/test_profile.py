"""Switch from one profile to the other and back with the setting and a run."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

import pytest

from dicom_pipeline.mapping.attribute_mapping import load_mapping

from .conftest import Site, files_read

pytestmark = pytest.mark.slow  # three runs; tests/warehouse/test_profiles.py compares the tables

METHODS = "processed.deidentification"
CODES = f"select code_value from {METHODS} order by 1"


def test_switching_the_profile_reads_no_file_and_switching_back_restores_the_tables(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    key = secrets.token_bytes(32)
    site.environment["DICOM_PSEUDONYM_KEY"] = key.hex()
    site.put("CT_small.dcm", "MR_small.dcm", "liver_1frame.dcm")
    assert files_read(site.run()) == 3
    research = site.content()
    assert site.ask(CODES) == [("113100",), ("113105",), ("113107",), ("113108",)]
    [(weights, dates)] = site.ask(
        "select (select count(first_patient_weight) from processed.processed_patients),"
        " (select count(study_date) from processed.processed_studies)"
    )
    assert weights > 0 and dates > 0
    assert_documented_without_the_key(site, key)

    assert files_read(site.run(DICOM_DEID_PROFILE="strict")) == 0
    strict = site.content()
    assert site.ask(CODES) == [("113100",)]
    for attribute in load_mapping().attributes:
        if attribute.strict == "remove":
            is_empty(site, attribute.table, attribute.column)
    for table in research.keys() - {METHODS}:
        assert len(strict[table]) == len(research[table])

    assert files_read(site.run()) == 0
    assert site.content() == research


def assert_documented_without_the_key(site: Site, key: bytes) -> None:
    comments = site.ask(
        "select comment from duckdb_columns() where table_name = 'deidentification' union all"
        " select comment from duckdb_tables() where table_name = 'deidentification'"
    )
    assert len(comments) == 11 and all(comment for (comment,) in comments)
    [(named,)] = site.ask(f"select distinct key_id from {METHODS}")
    assert named and named not in key.hex()
    for form in (key, key.hex().encode(), base64.b64encode(key)):
        assert form not in site.database.read_bytes()


def is_empty(site: Site, table: str, column: str) -> None:
    """Check that a removed column is null, if the published table has it."""
    table = f"processed_{table}"
    there = site.ask(
        "select count(*) from duckdb_columns()"
        f" where table_name = '{table}' and column_name = '{column}'"
    )
    if there == [(1,)]:
        assert site.ask(f'select count("{column}") from processed.{table}') == [(0,)], column
