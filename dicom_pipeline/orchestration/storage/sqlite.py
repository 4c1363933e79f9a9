"""Dagster's own SQLite storage, with events of many partitions stored at once.

Belongs here: how events are written to SQLite, named in ``dagster.yaml`` as the storage.
Does not belong here: which events go together (event_batches). The tables are Dagster's own, and
its plain SQLite storage reads them as well. They are a view of what lies in the raw zone, so the
last of them may be lost with the machine's power: SQLite does not wait for the disk at each of
hundreds of commits.

Dagster's storage opens three connections for each event, with statements compiled anew: on 95
partitions that cost three times what reading 30,000 files did.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as db
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from dicom_pipeline.common.locks import file_lock
from dicom_pipeline.config.settings import batch_dagster_events
from dicom_pipeline.orchestration.storage.event_batches import EventsTogether

_ENGINES = 16


class BatchingEventLogStorage(EventsTogether, SqliteEventLogStorage):
    """Dagster's event log in SQLite; events of a batch share their transactions."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    def _initdb(self, engine: Engine, for_index_shard: bool = False) -> None:
        """Make the tables, one process at a time: else two may each stamp a version of their own.

        With two versions nobody can open the database any more.
        """
        with file_lock(Path(self._base_dir, ".opening")):
            super()._initdb(engine, for_index_shard)

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

    def store_asset_events(self, run_id: str, events: Sequence[EventLogEntry]) -> None:
        """Store them in the run's database and in that of all runs."""
        with self.run_connection(run_id) as connection:
            connection.execute(self.prepare_insert_event_batch(events))
        with self.index_transaction() as connection:
            ids = [self._insert(connection, event) for event in events]
            self.index_asset_events(connection, events, ids)

    def delete_events(self, run_id: str) -> None:
        """Delete a run's events, and the file that only its own were in."""
        super().delete_events(run_id)
        with self._db_lock:
            if engine := self._engines.pop(run_id, None):
                engine.dispose()
            self._initialized_dbs.discard(run_id)
        path = Path(self.path_for_shard(run_id))
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    def _insert(self, connection: Connection, event: EventLogEntry) -> int:
        key = connection.execute(self.prepare_insert_event(event)).inserted_primary_key
        assert key is not None
        return int(key[0])


def _sync_at_checkpoints(connection: sqlite3.Connection, _record: object) -> None:
    # of a database in WAL mode, as Dagster's are, what is committed stays whole all the same
    connection.execute("pragma synchronous = normal")


class BatchingSqliteStorage(DagsterSqliteStorage):
    """`DagsterSqliteStorage` with `BatchingEventLogStorage` as its event log."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        Path(base_dir).mkdir(parents=True, exist_ok=True)
        with file_lock(Path(base_dir, ".opening")):  # see `BatchingEventLogStorage._initdb`
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
