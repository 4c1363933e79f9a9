"""Dagster's own SQLite storage, with events of many partitions stored at once.

Belongs here: how events are written, named in ``dagster.yaml`` as the storage.
Does not belong here: which events there are. The tables are Dagster's own, and its plain SQLite
storage reads them as well. They are a view of what lies in the raw zone, so the last of them may be
lost with the machine's power: SQLite does not wait for the disk at each of hundreds of commits.

A range of partitions gives two events for each partition of each raw table. Dagster's storage opens
three connections for each, with statements compiled anew: on 95 partitions that cost three times
what reading 30,000 files did. The overridden methods are private to Dagster, whose version is
pinned; a test holds the tables against those that Dagster's class writes.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster._core.events import ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from dicom_pipeline.settings import batch_dagster_events

_ENGINES = 16


class BatchingEventLogStorage(SqliteEventLogStorage):
    """Dagster's event log in SQLite; events of a batch share their transactions."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._partitions: dict[str, Sequence[str]] | None = None
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """Connect by an engine that is kept, and with it its compiled statements."""
        if shard not in self._initialized_dbs:
            with super()._connect(shard):
                pass
        with self._db_lock:
            engine = self._engines.pop(shard, None)
            if engine is None:
                engine = db.create_engine(
                    self.conn_string_for_shard(shard),
                    poolclass=NullPool,
                    connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
                    hide_parameters=True,  # in the text of errors
                )
                db.event.listen(engine, "connect", _sync_at_checkpoints)
            self._engines[shard] = engine
            while len(self._engines) > _ENGINES:
                self._engines.pop(next(iter(self._engines))).dispose()
            with engine.connect() as connection, connection.begin():
                yield connection

    @contextmanager
    def partitions_remembered(self) -> Iterator[None]:
        """Ask for dynamic partitions once; whoever asks for this knows that none is added."""
        self._partitions = {}
        try:
            yield
        finally:
            self._partitions = None

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """Keys of the partitions, in the order in which they were added."""
        if self._partitions is None:
            return super().get_dynamic_partitions(partitions_def_name)
        if partitions_def_name not in self._partitions:
            keys = super().get_dynamic_partitions(partitions_def_name)
            self._partitions[partitions_def_name] = keys
        return self._partitions[partitions_def_name]

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        """Whether there is such a key."""
        if self._partitions is None:
            return super().has_dynamic_partition(partitions_def_name, partition_key)
        return partition_key in self.get_dynamic_partitions(partitions_def_name)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events; those of assets in one transaction a database."""
        runs = {event.run_id for event in events}
        if len(runs) > 1:
            super().store_event_batch(events)
            return
        for event in events:  # a run's plan has those of checks among them
            if event.dagster_event_type not in ASSET_EVENTS:
                self.store_event(event)
        events = [event for event in events if event.dagster_event_type in ASSET_EVENTS]
        if not events:
            return
        with self.run_connection(runs.pop()) as connection:
            connection.execute(self.prepare_insert_event_batch(events))
        with self.index_transaction() as connection:
            ids = [self._insert(connection, event) for event in events]
            self._store_asset_event_tags(connection, events, ids)
            # an asset's own row tells of its last event of each type
            last = {
                (event.get_dagster_event().asset_key, event.dagster_event_type): (event, number)
                for event, number in zip(events, ids, strict=True)
            }
            for event, number in last.values():
                self._store_asset_event(connection, event, number)

    def _insert(self, connection: Connection, event: EventLogEntry) -> int:
        key = connection.execute(self.prepare_insert_event(event)).inserted_primary_key
        assert key is not None
        return int(key[0])


def _sync_at_checkpoints(connection: sqlite3.Connection, _record: object) -> None:
    # of a database in WAL mode, as Dagster's are, what is committed stays whole all the same
    connection.execute("pragma synchronous = normal")


def partitions_remembered(instance: dg.DagsterInstance) -> AbstractContextManager[None]:
    """Have Dagster ask for partitions once, where it would for each of them and each table."""
    storage = instance.event_log_storage
    if isinstance(storage, BatchingEventLogStorage):
        return storage.partitions_remembered()
    return nullcontext()


class BatchingSqliteStorage(DagsterSqliteStorage):
    """`DagsterSqliteStorage` with `BatchingEventLogStorage` as its event log."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        plain = self._event_log_storage
        self._event_log_storage = BatchingEventLogStorage(plain._base_dir)
        plain.dispose()
        batch_dagster_events()

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> "BatchingSqliteStorage":
        """Make it as ``dagster.yaml`` says."""
        return cls.from_local(inst_data=inst_data, **config_value)
