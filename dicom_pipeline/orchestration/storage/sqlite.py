"""Dagster's SQLite storage with batched writes of events; ``dagster.yaml`` selects it.

Belongs here: writing events to SQLite, with Dagster's own tables, which its default SQLite storage
can read too.
Does not belong here: grouping events into batches (event_batches).

SQLite does not wait for the disk at each commit (``synchronous = normal``). A power failure may
lose the latest events; this is acceptable, because they are derived from the raw zone.

Dagster's default storage opens three connections per event and compiles its statements each time:
for 95 partitions, this took three times as long as reading 30,000 files.
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
from dicom_pipeline.orchestration.one_line_error import log_in_one_line
from dicom_pipeline.orchestration.storage.event_batches import BatchingEventLogMixin, can_batch

_MAX_ENGINES = 16
# what `BatchingSqliteEventLog` calls or overrides
_NEEDED = (
    "_base_dir", "_connect", "_db_lock", "_initdb", "_initialized_dbs", "conn_string_for_shard",
    "delete_events", "path_for_shard", "prepare_insert_event_batch", "run_connection",
)  # fmt: skip


class BatchingSqliteEventLog(BatchingEventLogMixin, SqliteEventLogStorage):
    """Dagster's event log in SQLite; the events of a batch share one transaction per database."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    def _initdb(self, engine: Engine, for_index_shard: bool = False) -> None:
        """Create the tables, one process at a time.

        Otherwise two processes may each write a schema version, and a database with two versions
        cannot be opened.
        """
        with file_lock(Path(self._base_dir, ".opening")):
            super()._initdb(engine, for_index_shard)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """Connect with a cached engine, which also caches compiled statements."""
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
                    hide_parameters=True,  # keep parameters out of error messages
                )
                db.event.listen(engine, "connect", _sync_at_checkpoints)
            self._engines[shard] = engine
            while len(self._engines) > _MAX_ENGINES:
                self._engines.pop(next(iter(self._engines))).dispose()
            with engine.connect() as connection, connection.begin():
                yield connection

    def store_asset_events(self, run_id: str, events: Sequence[EventLogEntry]) -> None:
        """Store asset events of one run in the database of the run and in the index database."""
        with self.run_connection(run_id) as connection:
            connection.execute(self.prepare_insert_event_batch(events))
        with self.index_transaction() as connection:
            ids = [self._insert(connection, event) for event in events]
            self.index_asset_events(connection, events, ids)

    def delete_events(self, run_id: str) -> None:
        """Delete the events of a run, and the database file of the run."""
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
    # in WAL mode, which Dagster uses, the database stays consistent with this setting
    connection.execute("pragma synchronous = normal")


class BatchingSqliteStorage(DagsterSqliteStorage):
    """`DagsterSqliteStorage` with `BatchingSqliteEventLog` as its event log."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        Path(base_dir).mkdir(parents=True, exist_ok=True)
        with file_lock(Path(base_dir, ".opening")):  # see `BatchingSqliteEventLog._initdb`
            super().__init__(base_dir, inst_data)
        log_in_one_line()  # the storage is the only code of the project in the daemon's process
        default: Any = getattr(self, "_event_log_storage", None)
        if can_batch(default, *_NEEDED):
            self._event_log_storage = BatchingSqliteEventLog(default._base_dir)
            default.dispose()
            batch_dagster_events()

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> "BatchingSqliteStorage":
        """Create the storage from its configuration in ``dagster.yaml``."""
        return cls.from_local(inst_data=inst_data, **config_value)
