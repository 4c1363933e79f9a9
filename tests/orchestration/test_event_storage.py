"""Batched event storage stores the same events as Dagster's own storage."""

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from dicom_pipeline.orchestration.storage import event_batches
from dicom_pipeline.orchestration.storage.event_batches import cached_partitions

RUN = "11111111-2222-3333-4444-555555555555"
KEYS = ["2010-01", "2010-02", "2012-05"]
PARTITIONS = dg.DynamicPartitionsDefinition(name="test_period")


@dg.multi_asset(
    specs=[dg.AssetSpec(name, partitions_def=PARTITIONS) for name in ("images", "series")],
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def tables(context: dg.AssetExecutionContext) -> Any:
    for key in context.selected_asset_keys:
        for partition in context.partition_keys:
            context.add_asset_metadata({"version": partition}, key, partition)
        yield dg.MaterializeResult[None](key, tags={"tagged": "yes"})


@dg.asset_check(asset="images")
def images_are_there() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


DEFINITIONS = dg.Definitions(
    assets=[tables], asset_checks=[images_are_there], jobs=[dg.define_asset_job("job", "*")]
)
OURS = {
    "custom": {
        "module": "dicom_pipeline.orchestration.storage.sqlite",
        "class": "BatchingSqliteStorage",
    }
}


def instance(home: Path, *, batching: bool) -> dg.DagsterInstance:
    place = {"base_dir": str(home / "storage")}
    storage: dict[str, Any] = {"sqlite": place}
    if batching:
        storage = {"custom": {**OURS["custom"], "config": place}}
    home.mkdir()
    (home / "dagster.yaml").write_text(f"telemetry: {{enabled: false}}\nstorage: {storage}\n")
    return dg.DagsterInstance.from_config(str(home))


def rows(home: Path, database: str, query: str) -> list[tuple[Any, ...]]:
    path = next((home / "storage" / "history").rglob(database))
    with sqlite3.connect(path) as connection:
        return sorted(connection.execute(query).fetchall(), key=repr)


def run(home: Path, *, batching: bool) -> dg.DagsterInstance:
    made = instance(home, batching=batching)
    made.add_dynamic_partitions("test_period", KEYS)
    job = DEFINITIONS.resolve_job_def("job")
    tags = {
        "dagster/asset_partition_range_start": KEYS[0],
        "dagster/asset_partition_range_end": KEYS[-1],
    }
    result = job.execute_in_process(instance=made, tags=tags, run_id=RUN)
    assert result.success
    return made


def test_batched_events_give_the_tables_of_dagsters_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE", raising=False)
    run(tmp_path / "plain", batching=False).dispose()
    run(tmp_path / "ours", batching=True).dispose()
    events = "select dagster_event_type, step_key, asset_key, partition from event_logs"
    assets = "select asset_key, last_materialization is not null, wipe_timestamp from asset_keys"
    tags = (  # data versions depend on the run id
        "select asset_key, key, case when key like '%version%' then '' else value end"
        " from asset_event_tags"
    )
    for database, query in (("index.db", events), ("index.db", assets), ("index.db", tags)):
        plain = rows(tmp_path / "plain", database, query)
        assert rows(tmp_path / "ours", database, query) == plain
        assert plain
    # the database of the run, which the page of a run reads
    runs = f"{RUN}.db"
    assert rows(tmp_path / "ours", runs, events) == rows(tmp_path / "plain", runs, events)
    materialized = [row for row in rows(tmp_path / "ours", "index.db", events) if row[3]]
    assert len(materialized) == 2 * 2 * len(KEYS)  # planned and materialized, for two tables


def test_dagsters_own_storage_reads_batched_events(tmp_path: Path) -> None:
    made = run(tmp_path / "ours", batching=True)
    key = dg.AssetKey("images")
    storage = SqliteEventLogStorage(str(tmp_path / "ours" / "storage" / "history" / "runs"))
    assert storage.get_materialized_partitions(key) == set(KEYS)
    (record,) = storage.get_asset_records([key])
    last = record.asset_entry.last_materialization
    assert last is not None
    assert last.asset_materialization is not None
    assert last.asset_materialization.metadata["version"].value == last.dagster_event.partition
    assert made.get_materialized_partitions(key) == set(KEYS)
    storage.dispose()


def test_partitions_are_cached_inside_the_context_and_queried_outside(
    tmp_path: Path,
) -> None:
    home = tmp_path / "ours"
    with (
        instance(home, batching=True) as made,
        instance(tmp_path / "plain", batching=False) as other,
    ):
        made.add_dynamic_partitions("test_period", KEYS)
        with cached_partitions(made):
            assert made.get_dynamic_partitions("test_period") == KEYS
            assert made.has_dynamic_partition("test_period", KEYS[1])
            assert not made.has_dynamic_partition("test_period", "2013-01")
            path = next((home / "storage" / "history").rglob("index.db"))
            with sqlite3.connect(path) as connection:
                connection.execute("delete from dynamic_partitions where partition = '2010-02'")
            assert made.get_dynamic_partitions("test_period") == KEYS
        assert made.get_dynamic_partitions("test_period") == [KEYS[0], KEYS[2]]
        assert not made.has_dynamic_partition("test_period", KEYS[1])
        with cached_partitions(other):  # Dagster's own storage: nothing is cached
            assert other.get_dynamic_partitions("test_period") == []


def test_concurrent_processes_create_a_new_storage_once(tmp_path: Path) -> None:
    """Two processes that both write an Alembic version would leave an unusable database."""
    asked = (
        "import sys, time; from dicom_pipeline.orchestration.storage.sqlite import "
        "BatchingSqliteStorage as storage; print('ready', flush=True); sys.stdin.readline(); "
        "storage(sys.argv[1])"
    )
    for again in range(2):
        home = tmp_path / str(again)
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", asked, str(home)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.wait(60) for process in processes] == [0] * 4
        for database in home.rglob("*.db"):
            with sqlite3.connect(database) as connection:
                versions = connection.execute("select * from alembic_version").fetchall()
            assert len(versions) == 1, database.name


def test_without_a_private_method_dagsters_own_storage_is_used_with_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As after an upgrade of Dagster that removes the method."""
    monkeypatch.delattr(SqlEventLogStorage, "prepare_insert_event_batch")
    made = run(tmp_path / "home", batching=True)
    assert type(made.event_log_storage) is SqliteEventLogStorage
    warnings = [r.getMessage() for r in caplog.records if r.name == event_batches.__name__]
    assert len(warnings) == 1
    assert "no prepare_insert_event_batch in its event log" in warnings[0]
    with cached_partitions(made):
        assert made.get_dynamic_partitions("test_period") == KEYS
    assert made.get_materialized_partitions(dg.AssetKey("images")) == set(KEYS)
