"""A purge deletes on Snowflake, counts what is left in every schema, and reports the retention."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from dicom_pipeline.config.settings import load_snowflake_settings
from dicom_pipeline.mapping.attribute_mapping import load_mapping
from dicom_pipeline.operations.purge import procedure
from dicom_pipeline.warehouse.duckdb.row_counts import SubjectKeys
from dicom_pipeline.warehouse.snowflake.build import SnowflakeBuild
from dicom_pipeline.warehouse.snowflake.purge_check import PurgeCheck, check_purge
from dicom_pipeline.warehouse.snowflake.session import run, session
from tests.endtoend import subjects
from tests.endtoend.conftest import Site
from tests.endtoend.subjects import KEY, PERSON, PURGED_ID, REMAINING_ID
from tests.warehouse.oracle import Oracle

from .refusing_snowflake import RefusingSnowflake
from .snowflake_grammar import grammar_error
from .snowflake_server import SnowflakeServer, snowflake  # noqa: F401

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

SCHEMAS = ("stage", "processed_build", "processed")
ORACLE = Oracle(KEY)
PATIENT = ORACLE.patient_key(PURGED_ID)
# values of the patient that no row of another patient has
OWN = (
    PATIENT,
    ORACLE.patient_key(PURGED_ID, "CLINIC A"),
    ORACLE.key("study_key", "1.9.2"),
    ORACLE.uid("1.9.3"),
    ORACLE.id("device_key", "14:ACME-6:SN-OWN"),
)
KEYS = SubjectKeys(patients=("p1", "p2"), studies=("s1",))


@pytest.fixture
def connection(snowflake: SnowflakeServer) -> Iterator[SnowflakeConnection]:  # noqa: F811
    """A session on a database in which only these tests create schemas."""
    with session(load_snowflake_settings(snowflake.environment("PURGE_CHECK"))) as connection:
        for schema in ("kept", "site"):
            run(connection, f"drop schema if exists {schema}")
        run(connection, "create transient schema kept data_retention_time_in_days = 0")
        run(connection, "create schema site")
        yield connection


def check(
    connection: SnowflakeConnection, *statements: str, keys: SubjectKeys = KEYS
) -> PurgeCheck:
    for statement in statements:
        run(connection, statement)
    return check_purge(connection, keys)


def test_a_row_with_a_key_of_a_patient_or_of_a_study_is_counted_once(
    connection: SnowflakeConnection,
) -> None:
    found = check(
        connection,
        "create table kept.both (patient_key varchar, study_key varchar)",
        "insert into kept.both values ('p1', 's1'), ('p2', 's9'), ('p9', 's1'), ('p9', 's9'),"
        " (null, null)",
        "create table site.patients (patient_key varchar)",
        "insert into site.patients values ('p1'), ('p1'), ('s1')",
        "create table site.studies (study_key varchar)",
        "insert into site.studies values ('s1'), ('p1'), (null)",
        "create table site.others (device_key varchar)",
        "create table site.empty (patient_key varchar)",
    )
    assert found.remaining_rows == {"kept.both": 3, "site.patients": 2, "site.studies": 1}
    assert found.tables_checked == 4


def test_names_in_lower_case_and_keys_that_are_no_text_are_counted(
    connection: SnowflakeConnection,
) -> None:
    found = check(
        connection,
        'create table site."the [red]" ("Patient_Key" varchar)',
        "insert into site.\"the [red]\" values ('p1')",
        "create table site.numbers (patient_key integer, study_key varchar)",
        "insert into site.numbers values (7, 's1'), (8, 's2')",
    )
    assert found.remaining_rows == {"site.the [red]": 1, "site.numbers": 1}


def test_the_number_of_keys_is_not_limited(connection: SnowflakeConnection) -> None:
    many = SubjectKeys(patients=tuple(f"p{n:031d}" for n in range(50_000)))
    found = check(
        connection,
        "create table site.many (patient_key varchar)",
        f"insert into site.many values ('{many.patients[-1]}'), ('p1')",
        keys=many,
    )
    assert found.remaining_rows == {"site.many": 1}


def test_without_keys_no_row_is_counted(
    connection: SnowflakeConnection, snowflake: SnowflakeServer  # noqa: F811
) -> None:  # fmt: skip
    before = len(snowflake.statements())
    found = check(
        connection, "create table site.patients (patient_key varchar)", keys=SubjectKeys()
    )
    assert (found.tables_checked, found.remaining_rows) == (1, {})
    assert not [s for s in snowflake.statements()[before:] if "count(*)" in s]


def test_retention_and_fail_safe_are_those_of_each_table(connection: SnowflakeConnection) -> None:
    found = check(
        connection,
        "create table kept.inherits (patient_key varchar)",
        "create table kept.own (patient_key varchar) data_retention_time_in_days = 1",
        "create table site.permanent (patient_key varchar)",
        "create or replace transient table site.transient_1 (patient_key varchar)",
        "create transient table site.transient_0 (patient_key varchar)",
        "alter table site.transient_0 set data_retention_time_in_days = 0",
        "create transient table site.clone clone site.transient_0",
    )
    assert found.time_travel_days == {
        "kept.inherits": 0, "kept.own": 1, "site.clone": 0, "site.permanent": 1,
        "site.transient_0": 0, "site.transient_1": 1,
    }  # fmt: skip
    assert found.permanent_tables == ("site.permanent",)
    assert found.default_time_travel_days == {"database": 1, "schema kept": 0, "schema site": 1}
    time_travel, fail_safe = found.restorable
    assert "up to 1 day, in kept.own, site.permanent, site.transient_1" in time_travel
    assert "for 7 days after Time Travel, in site.permanent" in fail_safe
    found = check(connection, "alter schema site set data_retention_time_in_days = 30")
    assert found.time_travel_days["site.permanent"] == 30
    assert "up to 30 days" in found.restorable[0]


def test_nothing_is_restorable_in_transient_tables_without_retention(
    connection: SnowflakeConnection,
) -> None:
    assert not check(connection, "create table kept.t (study_key varchar)").restorable


@pytest.mark.parametrize(
    ("table", "of_the_pipeline"),
    [("stage.staged_images", True), ("processed_build.x", True), ("processed.x", True),
     ("site.cohort", False), ("processed_copy.x", False)],
)  # fmt: skip
def test_rows_in_schemas_of_the_pipeline_need_another_build(
    table: str, of_the_pipeline: bool
) -> None:
    found = PurgeCheck(1, {table: 1}, {table: 0}, {"database": 0}, ())
    assert found.rows_of_the_pipeline is of_the_pipeline


def test_a_server_that_refuses_the_count_is_reported_in_one_line(tmp_path: Path) -> None:
    server = RefusingSnowflake()
    printed = io.StringIO()
    try:
        settings = load_snowflake_settings(environment(server))
        build = SnowflakeBuild(settings, load_mapping(), tmp_path / "build.duckdb")
        console = Console(file=printed, soft_wrap=True)
        assert procedure._check_on_server(build, console, KEYS) is None
    finally:
        server.close()
    [line] = printed.getvalue().splitlines()
    assert "rows on Snowflake were not counted: Snowflake, error 000606" in line
    assert "dicom-pipeline purge" in line


def environment(server: RefusingSnowflake) -> dict[str, str]:
    return {
        "DBT_TARGET": "snowflake", "SNOWFLAKE_ACCOUNT": "a", "SNOWFLAKE_USER": "builder",
        "SNOWFLAKE_PASSWORD": "not-a-secret", "SNOWFLAKE_HOST": "127.0.0.1",
        "SNOWFLAKE_PORT": str(server.port), "SNOWFLAKE_PROTOCOL": "http",
    }  # fmt: skip


class PurgedSite:
    """A site whose tables are on Snowflake, with a table that the site made of a patient's rows."""

    def __init__(self, root: Path, server: SnowflakeServer) -> None:
        self.site = Site(root / "site")
        self.site.environment |= server.environment("PURGING")
        self.site.environment["DICOM_PSEUDONYM_KEY"] = KEY.hex()
        self.settings = load_snowflake_settings(self.site.environment)
        self.server = server
        subjects.write(self.site.landing)
        self.site.run()
        self.ask("create schema site")
        self.ask("create table site.cohort as select * from processed.processed_patients")

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with session(self.settings) as connection:
            return run(connection, statement)

    def tables(self, *schemas: str) -> set[str]:
        listed = ", ".join(f"'{schema.upper()}'" for schema in schemas)
        rows = self.ask("select lower(table_schema || '.' || table_name) as name from"
                        f" information_schema.tables where table_schema in ({listed})")  # fmt: skip
        return {table for (table,) in rows}

    def rows_of_the_patient(self, *schemas: str) -> dict[str, int]:
        """Return the number of rows with any value of the patient, by table."""
        counts = {}
        for table in self.tables(*schemas):
            rows = [str(row) for row in self.ask(f"select * from {table}")]
            counts[table] = sum(any(value in row for value in OWN) for row in rows)
        return {table: count for table, count in counts.items() if count}

    def receipt(self) -> dict[str, Any]:
        [path] = (self.site.root / "raw" / "purged" / "receipts").iterdir()
        receipt: dict[str, Any] = json.loads(path.read_text())
        return receipt


@pytest.fixture(scope="module")
def purged(
    tmp_path_factory: pytest.TempPathFactory,
    snowflake: SnowflakeServer,  # noqa: F811
) -> PurgedSite:
    """The tests are steps of one history, in order."""
    return PurgedSite(tmp_path_factory.mktemp("purged"), snowflake)


@pytest.mark.timeout(300)
def test_a_purge_that_snowflake_refuses_is_incomplete(purged: PurgedSite) -> None:
    before = purged.rows_of_the_patient(*SCHEMAS)
    assert {table.partition(".")[0] for table in before} == set(SCHEMAS)
    assert before["processed.processed_patients"] == 2
    refusing = RefusingSnowflake()
    try:
        output = purged.site.command(
            "purge", "--patient-id", PURGED_ID, "--yes", code=1, **environment(refusing)
        )
    finally:
        refusing.close()
    assert "The retention on Snowflake is unknown: Snowflake, error 000606" in output
    assert "not yet from the published file and from Snowflake" in output
    assert "run: dicom-pipeline purge" in output
    assert purged.rows_of_the_patient(*SCHEMAS) == before
    assert purged.receipt()["finished_at"] is None


@pytest.mark.timeout(300)
def test_the_next_purge_deletes_on_the_server_and_finds_the_rows_of_a_table_of_the_site(
    purged: PurgedSite,
) -> None:
    sent = len(purged.server.statements())
    output = purged.site.command("purge", code=1)
    # the images are not built again as a whole: those of the patient are deleted
    images = "processed_build.processed_images"
    statements = [s.lower() for s in purged.server.statements()[sent:] if images in s.lower()]
    assert any(re.search(rf"delete from \S*{images}", s) for s in statements)
    assert not any(re.search(rf"create or replace .*{images}\b(?!_)", s) for s in statements)
    assert purged.rows_of_the_patient(*SCHEMAS) == {}
    assert purged.ask("select count(*) as n from processed.processed_images") == [(5,)]
    assert purged.rows_of_the_patient("site") == {"site.cohort": 2}
    assert "rows are left on Snowflake in site.cohort (2)" in output
    receipt = purged.receipt()
    assert receipt["finished_at"] is None
    assert receipt["snowflake"]["remaining_rows"] == {"site.cohort": 2}
    assert PATIENT in receipt["keys"]["patients"]
    assert not any(value in output for value in (*OWN, PURGED_ID, PERSON))


@pytest.mark.timeout(300)
def test_the_receipt_has_what_was_found_on_the_server(purged: PurgedSite) -> None:
    purged.ask(f"delete from site.cohort where patient_key in ('{OWN[0]}', '{OWN[1]}')")
    sent = len(purged.server.statements())
    output = purged.site.command("purge")
    # the tables are not rebuilt again: only the rows of the site had to be deleted
    assert not [
        s for s in purged.server.statements()[sent:] if not s.startswith(("select", "with"))
    ]
    receipt = purged.receipt()
    assert receipt["finished_at"]
    assert not {"keys", "tables_rebuilt"} & receipt.keys()
    # the device that only this patient used; others used the second one
    assert receipt["removed"]["published"]["processed.processed_devices"] == 1
    found = receipt["snowflake"]
    with_keys = purged.ask(
        "select distinct lower(table_schema || '.' || table_name) as name from"
        " information_schema.columns where column_name in ('PATIENT_KEY', 'STUDY_KEY')"
    )
    assert set(found["time_travel_days"]) == {table for (table,) in with_keys}
    assert found["tables_checked"] == len(with_keys) > 12
    assert found["remaining_rows"] == {}
    # the pipeline creates transient tables without retention, also in a permanent database
    days = {table: days for table, days in found["time_travel_days"].items() if days}
    assert days == {"site.cohort": 1}
    assert found["permanent_tables"] == ["site.cohort"]
    assert found["default_time_travel_days"] == {
        "database": 1, "schema site": 1, **{f"schema {schema}": 0 for schema in SCHEMAS},
    }  # fmt: skip
    text = "\n".join(receipt["not_erased"])
    assert "Time Travel can restore for up to 1 day, in site.cohort" in text
    assert "Fail-safe for 7 days after Time Travel, in site.cohort" in text
    assert "other databases" in text
    assert json.loads(output[output.index("{") : output.rindex("}") + 1]) == receipt


def test_the_confirmation_says_what_can_be_restored(purged: PurgedSite) -> None:
    output = purged.site.command("purge", "--patient-id", REMAINING_ID, code=3)
    assert "the published file and Snowflake" in output
    assert "Time Travel can restore for up to 1 day, in site.cohort." in output
    assert "Fail-safe for 7 days after Time Travel, in site.cohort." in output


def test_every_statement_of_the_purge_is_valid_for_snowflake(
    snowflake: SnowflakeServer,  # noqa: F811
) -> None:
    statements = [s for s in dict.fromkeys(snowflake.statements()) if "retention_time" in s.lower()
                  or "key_value" in s]  # fmt: skip
    own = [s for s in statements if not s.startswith(("alter table", "create"))]
    assert len(own) > 4
    found = {statement[:200]: grammar_error(statement) for statement in own}
    assert not {statement: problem for statement, problem in found.items() if problem}
