"""Publication on Snowflake: exactly the checked rows are published, all at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from dicom_pipeline.config.settings import load_snowflake_settings
from dicom_pipeline.warehouse.data_dictionary import Comments, Origin, RunInfo
from dicom_pipeline.warehouse.duckdb.publish import PublishRefused
from dicom_pipeline.warehouse.snowflake import publish as publish_module
from dicom_pipeline.warehouse.snowflake.publish import publish_schema
from dicom_pipeline.warehouse.snowflake.session import run, session

from .snowflake_grammar import grammar_error
from .snowflake_server import SnowflakeServer, snowflake  # noqa: F401

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

COMMENTS = Comments(
    {"processed_studies": "Studies; it's all of them.", "processed_series": "Series."},
    {
        "processed_studies": {"study_key": "A key.", "study_description": "Text \\ and 'quotes'."},
        "processed_series": {"series_key": "A key."},
    },
    {
        "processed_studies": {
            "study_description": Origin(
                "StudyDescription", "(0008,1030)", "LO", "clean_text", "it's cleaned"
            )
        }
    },
)
INFO = RunInfo("2026-01-02T03:04:05+00:00", "research", {}, {"found": 2})
OWN = {"DATA_DICTIONARY", "RUN_INFO"}
CHECKED = {"processed_studies": 2, "processed_series": 1}


class Site:
    """A small build and its publication."""

    def __init__(self, connection: SnowflakeConnection, server: SnowflakeServer) -> None:
        self.connection = connection
        self.server = server
        self.names = server.environment("PUBLISHING") | {"SNOWFLAKE_ANALYST_ROLE": "readers"}

    def build(self, studies: int = 2) -> None:
        values = ", ".join(f"('key{n}', 'chest', 'p{n}')" for n in range(studies))
        for statement in (
            "create schema if not exists processed_build",
            "create or replace table processed_build.processed_studies"
            " (study_key varchar, study_description varchar, period_key varchar)",
            f"insert into processed_build.processed_studies values {values}",
            "create or replace table processed_build.processed_series as select 'a' as series_key",
        ):
            run(self.connection, statement)

    def publish(
        self, checked: dict[str, int] | None = None, comments: Comments = COMMENTS, **names: str
    ) -> dict[str, int]:
        settings = load_snowflake_settings(self.names | names)
        report = publish_schema(
            self.connection, settings, comments, INFO, CHECKED if checked is None else checked
        )
        return report.rows

    def columns(self, schema: str) -> set[tuple[str, str]]:
        return set(
            run(
                self.connection,
                "select table_name, column_name from information_schema.columns"
                " where table_schema = ?",
                schema,
            )
        )


@pytest.fixture
def site(snowflake: SnowflakeServer) -> Iterator[Site]:  # noqa: F811
    environment = snowflake.environment("PUBLISHING")
    with session(load_snowflake_settings(environment)) as connection:
        run(connection, "drop schema if exists processed")
        run(connection, "drop schema if exists processed_build")
        yield Site(connection, snowflake)


def test_tables_are_published_without_bookkeeping_columns(site: Site) -> None:
    site.build()
    assert site.publish() == CHECKED
    published = site.columns("PROCESSED")
    assert {line for line in published if line[0] not in OWN} == {
        ("PROCESSED_STUDIES", "STUDY_KEY"),
        ("PROCESSED_STUDIES", "STUDY_DESCRIPTION"),
        ("PROCESSED_SERIES", "SERIES_KEY"),
    }
    # the build schema is unchanged, so the next build can continue from it
    assert ("PROCESSED_STUDIES", "PERIOD_KEY") in site.columns("PROCESSED_BUILD")


def test_the_data_dictionary_and_run_info_are_published(site: Site) -> None:
    site.build()
    site.publish()
    lines = run(
        site.connection,
        "select lower(table_name), lower(column_name), attribute, deidentification, description"
        " from processed.data_dictionary order by 1, 2",
    )
    assert {line[:2] for line in lines} == {
        (table.lower(), column.lower()) for table, column in site.columns("PROCESSED")
    }
    assert [line[2:] for line in lines if line[1] == "study_description"] == [
        ("StudyDescription", "it's cleaned", "Text \\ and 'quotes'.")
    ]
    assert run(site.connection, "select * from processed.run_info where topic in ('files', 'rows')"
        " order by topic, name") == [
        ("files", "found", "2", 2),
        ("rows", "processed_series", "1", 1),
        ("rows", "processed_studies", "2", 2),
    ]  # fmt: skip


def test_a_publication_replaces_the_previous_one_completely(site: Site) -> None:
    site.build()
    site.publish()
    site.build(studies=5)
    run(site.connection, "drop table processed_build.processed_series")
    site.publish({"processed_studies": 5})
    assert run(site.connection, "select count(*) as n from processed.processed_studies") == [(5,)]
    assert {table for table, _ in site.columns("PROCESSED")} == {"PROCESSED_STUDIES", *OWN}


def test_a_table_that_changed_after_the_check_stops_publication(site: Site) -> None:
    site.build()
    site.publish()
    site.build(studies=3)
    with pytest.raises(PublishRefused, match="processed_studies"):
        site.publish()
    assert run(site.connection, "select count(*) as n from processed.processed_studies") == [(2,)]


def test_a_column_without_a_description_stops_publication(site: Site) -> None:
    site.build()
    silent = Comments(COMMENTS.tables, {**COMMENTS.columns, "processed_series": {}})
    with pytest.raises(PublishRefused, match="series_key"):
        site.publish(comments=silent)
    assert not site.columns("PROCESSED")


def test_an_empty_build_is_not_published(site: Site) -> None:
    with pytest.raises(PublishRefused, match="run dbt first"):
        site.publish({})


def test_a_column_is_added_or_removed_with_the_column_of_the_build(site: Site) -> None:
    site.build()
    site.publish()
    run(site.connection, "alter table processed_build.processed_studies drop column study_key")
    comments = dict(COMMENTS.columns)
    comments["processed_studies"] = {"study_description": "Text."}
    site.publish(comments=Comments(COMMENTS.tables, comments))
    assert ("PROCESSED_STUDIES", "STUDY_KEY") not in site.columns("PROCESSED")
    site.build()
    site.publish()
    found = run(site.connection, "select study_key from processed.processed_studies order by 1")
    assert found == [("key0",), ("key1",)]


def test_a_later_publication_recreates_no_table(site: Site) -> None:
    """Grants, shares and policies that a site has set on a table would be lost with it."""
    site.build()
    site.publish()
    before = len(site.server.statements())
    site.build(studies=4)
    recreated = len(site.server.statements())
    site.publish({"processed_studies": 4, "processed_series": 1})
    sent = [s.split("processed.")[0].strip() for s in site.server.statements()[recreated:]]
    assert recreated > before
    changing = [s for s in sent if s.startswith(("create", "drop", "alter table", "alter schema"))]
    assert set(changing) == {
        "create transient schema if not exists processed data_retention_time_in_days = 0",
        "alter table",  # of comments
    }
    assert not [
        s for s in site.server.statements()[recreated:] if " column " in s and "comment" not in s
    ]


def test_a_publication_that_is_killed_leaves_all_old_rows(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.build()
    site.publish()
    site.build(studies=4)

    def killed(connection: SnowflakeConnection, statement: str, *bound: object) -> list[Any]:
        if statement.startswith("delete from"):  # after the rows of the tables
            raise KeyboardInterrupt
        return run(connection, statement, *bound)

    monkeypatch.setattr(publish_module, "run", killed)
    with pytest.raises(KeyboardInterrupt):
        site.publish({"processed_studies": 4, "processed_series": 1})
    assert run(site.connection, "select count(*) as n from processed.processed_studies") == [(2,)]


@pytest.mark.parametrize("edition", ["standard", "enterprise"])
def test_privileges_are_granted_and_tags_are_set_where_supported(site: Site, edition: str) -> None:
    site.build()
    before = len(site.server.statements())
    site.publish(SNOWFLAKE_EDITION=edition)
    sent = site.server.statements()[before:]
    assert [s for s in sent if s.startswith("grant")] == [
        'grant usage on schema processed to role "READERS"',
        'grant select on all tables in schema processed to role "READERS"',
    ]
    tags = [s for s in sent if "set tag" in s]
    assert [s.split(" = ")[-1] for s in tags] == ["'clean_text'"] * (edition == "enterprise")
    assert not [s for s in sent if grammar_error(s)]
