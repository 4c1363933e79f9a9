"""Runs with Dagster's storage in PostgreSQL, with the dagster.yaml that docs/cloud.md provides.

The content of the database is read with psycopg2, not with Dagster.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import dagster as dg
import pytest
from dagster_postgres import PostgresEventLogStorage

from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.config.settings import SettingsError, load_settings
from dicom_pipeline.orchestration.instance import open_instance
from dicom_pipeline.orchestration.storage.event_batches import cached_partitions
from tests.endtoend.conftest import SMALL_SAMPLE, Site, files_read, summary
from tests.orchestration.dev_server import DevServer, wait_for
from tests.orchestration.test_event_storage import DEFINITIONS, KEYS

from .postgres_server import (  # noqa: F401
    PASSWORD,
    USER,
    PostgresServer,
    make_certificates,
    postgres,
)

PAGE = PROJECT_DIR / "deploy" / "dagster.yaml"


class SharedSite(Site):
    """A site with Dagster's storage in PostgreSQL."""

    def __init__(self, root: Path, server: PostgresServer, database: str) -> None:
        super().__init__(root)
        self.server, self.name = server, database
        self.environment |= server.environment(database)
        self.home = Path(self.environment["DAGSTER_HOME"])
        self.home.mkdir()
        shutil.copy(PAGE, self.home / "dagster.yaml")

    def events(self, kind: str) -> int:
        """Return the number of events of a type in all runs."""
        ((count,),) = self.server.ask(
            self.name, f"select count(*) from event_logs where dagster_event_type = '{kind}'"
        )
        return int(count)

    def statuses(self) -> list[str]:
        """Return the status of each run, oldest first."""
        rows = self.server.ask(self.name, "select status from runs order by id")
        return [str(status) for (status,) in rows]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> SharedSite:  # noqa: F811
    site = SharedSite(tmp_path_factory.mktemp("shared"), postgres, "runs")
    site.put(*SMALL_SAMPLE)
    return site


def test_a_run_is_stored_in_the_database_and_its_tables_are_published(
    shared: SharedSite,
) -> None:
    process = shared.start("run")
    seen = []
    while process.poll() is None:  # no process may have the password in its arguments
        seen.append(subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout)
        time.sleep(0.5)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    assert files_read(output) == len(SMALL_SAMPLE)
    assert summary(output)["pending"] == 0
    assert shared.statuses() == ["SUCCESS"]
    ((periods,),) = shared.server.ask("runs", "select count(*) from dynamic_partitions")
    assert periods >= 4
    ((raw,),) = shared.server.ask(
        "runs",
        "select count(*) from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION' "
        "and asset_key like '[\"raw\"%' and partition is not null",
    )
    assert raw == 7 * periods
    # each asset has its latest materialization, at any position in a batch
    latest = "select count(*) from asset_keys where last_materialization is not null"
    ((known,),) = shared.server.ask("runs", latest)
    ever = (
        "select count(distinct asset_key) from event_logs "
        "where dagster_event_type = 'ASSET_MATERIALIZATION'"
    )
    ((all_,),) = shared.server.ask("runs", ever)
    assert known == all_ > 20
    assert not list(shared.home.rglob("*.db")), "a database of SQLite was made"
    assert (shared.home / "dagster.yaml").read_bytes() == PAGE.read_bytes()
    written = [p.read_bytes() for p in shared.root.rglob("*") if p.is_file()]
    for text in (output, *seen):
        assert PASSWORD not in text
    assert len(seen) > 5
    assert any("dicom_pipeline.cli" in text for text in seen)
    assert not any(PASSWORD.encode() in content for content in written)


def test_a_second_run_with_postgresql_has_nothing_to_do(shared: SharedSite) -> None:
    output = shared.run()
    assert files_read(output) == 0
    assert "nothing has changed since" in output
    assert shared.statuses() == ["SUCCESS"]


def test_a_refused_login_gives_a_one_line_error_without_the_password(shared: SharedSite) -> None:
    output = shared.command("run", code=3, DAGSTER_PG_PASSWORD="wrong-7f1b")
    assert re.fullmatch(r"error: Dagster's storage: the login was refused[^\n]*\n", output), output
    for secret in (PASSWORD, "wrong-7f1b"):
        assert secret not in output


@pytest.mark.parametrize(
    ("variables", "edit", "line"),
    [
        ({"DAGSTER_PG_PORT": "1"}, None, "Dagster's storage: the database cannot be reached; "
         "check the network and the address in dagster.yaml"),
        ({"DAGSTER_PG_DB": "nothing"}, None, "Dagster's storage: there is no such database; "
         "check DAGSTER_PG_DB"),
        ({"DAGSTER_PG_PORT": "secret"}, None, "DAGSTER_PG_PORT is not a number"),
        ({}, ("_PG_DB", "_PG_ABSENT"), "DAGSTER_PG_ABSENT is not set"),
        ({}, ("storage.postgres", "storage.nowhere"), "a class in it cannot be imported; "
         "PostgreSQL requires the extra `deploy`"),
        ({}, ("nux:", ": ["), "it is not valid YAML"),
        ({}, ("nux:", "nonsense:"), "run `dagster instance info` for the reason"),
    ],
)  # fmt: skip
def test_an_invalid_dagster_yaml_or_database_gives_a_one_line_error(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,  # noqa: F811
    caplog: pytest.LogCaptureFixture, variables: dict[str, str], edit: tuple[str, str] | None,
    line: str,
) -> None:  # fmt: skip
    server = {"DAGSTER_PG_HOST": "127.0.0.1", "DAGSTER_PG_PORT": str(postgres.port),
              "DAGSTER_PG_DB": "postgres", "DAGSTER_PG_USERNAME": USER,
              "DAGSTER_PG_PASSWORD": PASSWORD, "DAGSTER_HOME": str(tmp_path)}  # fmt: skip
    for name, value in (server | variables).items():
        monkeypatch.setenv(name, value)
    # Dagster would wait 11 s in total between its attempts
    monkeypatch.setattr("dagster_postgres.utils.calculate_delay", lambda **_: 0)
    (tmp_path / "dagster.yaml").write_text(PAGE.read_text().replace(*(edit or ("", ""))))
    with pytest.raises((SettingsError, StorageUnavailable)) as found:
        open_instance(load_settings())
    told = "" if "storage: " in line else "dagster.yaml in DAGSTER_HOME cannot be used: "
    assert str(found.value) == told + line
    assert not caplog.records


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({}, None),
        ({"DAGSTER_PG_HOST": "127.0.0.1"}, "the server's certificate is for another host; check "
         "DAGSTER_PG_HOST"),
        ({"PGSSLROOTCERT": "other.crt"}, "the server's certificate is not trusted; check "
         "PGSSLROOTCERT"),
        ({"PGSSLROOTCERT": "missing.crt"}, "the server's certificate is not trusted; check "
         "PGSSLROOTCERT"),
    ],
)  # fmt: skip
def test_verify_full_checks_the_certificate_and_the_host_name_of_the_server(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,  # noqa: F811
    variables: dict[str, str], line: str | None,
) -> None:  # fmt: skip
    make_certificates(tmp_path)
    (tmp_path / "ca.crt").rename(tmp_path / "other.crt")
    (tmp_path / "ca.crt").write_text(postgres.certificate)
    server = {"DAGSTER_PG_HOST": "localhost", "DAGSTER_PG_PORT": str(postgres.port),
              "DAGSTER_PG_DB": "postgres", "DAGSTER_PG_USERNAME": USER,
              "DAGSTER_PG_PASSWORD": PASSWORD, "DAGSTER_HOME": str(tmp_path),
              "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "ca.crt"}  # fmt: skip
    for name, value in (server | variables).items():
        monkeypatch.setenv(name, str(tmp_path / value) if name == "PGSSLROOTCERT" else value)
    monkeypatch.setattr("dagster_postgres.utils.calculate_delay", lambda **_: 0)
    shutil.copy(PAGE, tmp_path)
    if line is None:
        with open_instance(load_settings()) as instance:
            assert instance.get_runs_count() == 0
    else:
        with pytest.raises(StorageUnavailable) as found:
            open_instance(load_settings())
        assert str(found.value) == f"Dagster's storage: {line}"


@pytest.mark.slow
def test_changes_in_the_landing_zone_are_loaded(shared: SharedSite) -> None:
    shared.run()
    before = shared.content()
    (shared.landing / "MR_small.dcm").unlink()
    shared.put("MR_truncated.dcm")
    assert files_read(shared.run()) == 1
    assert set(shared.statuses()) == {"SUCCESS"}
    assert shared.content() != before


def test_batched_events_give_the_rows_of_dagsters_own_storage(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    """The reference is Dagster's storage class, which stores one event at a time."""
    tables = {}
    for name in ("plain", "ours"):
        monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE", raising=False)
        for variable, value in postgres.environment(name).items():
            monkeypatch.setenv(variable, value)
        (tmp_path / name).mkdir()
        page = PAGE.read_text()
        if name == "plain":
            page = page.replace(
                "dicom_pipeline.orchestration.storage.postgres", "dagster_postgres"
            ).replace("BatchingPostgresStorage", "DagsterPostgresStorage")
        (tmp_path / name / "dagster.yaml").write_text(page)
        with dg.DagsterInstance.from_config(str(tmp_path / name)) as made:
            made.add_dynamic_partitions("test_period", KEYS)
            with cached_partitions(made):
                assert made.get_dynamic_partitions("test_period") == KEYS
            result = DEFINITIONS.resolve_job_def("job").execute_in_process(
                instance=made,
                tags={
                    "dagster/asset_partition_range_start": KEYS[0],
                    "dagster/asset_partition_range_end": KEYS[-1],
                },
            )
            assert result.success
            assert isinstance(made.event_log_storage, PostgresEventLogStorage)
            assert made.get_materialized_partitions(dg.AssetKey("series")) == set(KEYS)
        tables[name] = [
            sorted(postgres.ask(name, query), key=repr)
            for query in (
                "select dagster_event_type, step_key, asset_key, partition from event_logs",
                "select asset_key, last_materialization is not null from asset_keys",
                "select asset_key, key, case when key like '%version%' then '' else value end"
                " from asset_event_tags",
                # the event in the row of an asset is the last one of that asset
                "select asset_key, (last_materialization::json ->> 'storage_id')::int = (select "
                "max(id) from event_logs e where e.asset_key = a.asset_key and "
                "dagster_event_type = 'ASSET_MATERIALIZATION') from asset_keys a",
            )
        ]
    assert tables["ours"] == tables["plain"]
    assert all(tables["ours"][:3])
    assert [last for _, last in tables["ours"][3]] == [True, True]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_sensors_and_runs_of_dagster_dev_share_the_database(
    postgres: PostgresServer, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    site = SharedSite(tmp_path, postgres, "sensors")
    site.put("CT_small.dcm", "MR_small.dcm")
    environment = {k: v for k, v in site.environment.items() if k != "DAGSTER_HOME"}
    with DevServer(environment, site.home, page=PAGE) as server:
        server.toggle_on("file_arrival_sensor")
        server.toggle_on("automation_sensor")
        wait_for(site.database.exists, seconds=240, what="the published file")
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
        wait_for(
            lambda: set(site.statuses()) == {"SUCCESS"}, seconds=120, what="the end of all runs"
        )
    assert site.ask("select count(*) from processed.processed_images") == [(2,)]
    assert "dagster" in listed
    assert PASSWORD not in listed
    assert PASSWORD not in (site.home / "dev.log").read_text()
    ticks = postgres.ask("sensors", "select count(*) from job_ticks where status = 'SUCCESS'")
    assert ticks[0][0] > 0
