"""Dagster's event log with batched writes of asset events, independent of the database.

Belongs here: grouping events into batches, and caching partition keys.
Does not belong here: the databases (sqlite, postgres).

A run over a range of partitions stores two events per partition and raw table. Dagster stores them
one by one, each with at least one connection and transaction. Some of the overridden methods are
private to Dagster: where one is missing, its own storage is used (`can_batch`). Tests compare the
tables with those that Dagster's own classes write.
"""

import logging
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import dagster as dg
from dagster._core.events import ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from sqlalchemy.engine import Connection

_logger = logging.getLogger(__name__)
# what the mixin calls or overrides
_NEEDED = (
    "_store_asset_event", "_store_asset_event_tags", "get_dynamic_partitions",
    "has_dynamic_partition", "index_transaction", "prepare_insert_event", "store_event_batch",
)  # fmt: skip


class BatchingEventLogMixin(SqlEventLogStorage):
    """Mixin for Dagster's event log storage classes that writes asset events in batches."""

    _partitions: dict[str, Sequence[str]] | None = None

    @contextmanager
    def cached_partitions(self) -> Iterator[None]:
        """Cache dynamic partition keys during the block; the caller must not add any in it."""
        self._partitions = {}
        try:
            yield
        finally:
            self._partitions = None

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """Return the partition keys in the order in which they were added."""
        if self._partitions is None:
            return super().get_dynamic_partitions(partitions_def_name)
        if partitions_def_name not in self._partitions:
            keys = super().get_dynamic_partitions(partitions_def_name)
            self._partitions[partitions_def_name] = keys
        return self._partitions[partitions_def_name]

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        """Return whether the partition key exists."""
        if self._partitions is None:
            return super().has_dynamic_partition(partitions_def_name, partition_key)
        return partition_key in self.get_dynamic_partitions(partitions_def_name)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events; asset events in one transaction per database."""
        runs = {event.run_id for event in events}
        if len(runs) > 1:
            super().store_event_batch(events)
            return
        for event in events:  # the events of a run's plan include check events
            if event.dagster_event_type not in ASSET_EVENTS:
                self.store_event(event)
        events = [event for event in events if event.dagster_event_type in ASSET_EVENTS]
        if events:
            self.store_asset_events(runs.pop(), events)

    @abstractmethod
    def store_asset_events(self, run_id: str, events: Sequence[EventLogEntry]) -> None:
        """Store asset events that all belong to one run."""

    def index_asset_events(
        self, connection: Connection, events: Sequence[EventLogEntry], ids: Sequence[int]
    ) -> None:
        """Update the tables that Dagster reads the events of an asset from."""
        self._store_asset_event_tags(connection, events, ids)
        # the row of an asset refers to its last event of each type
        last = {
            (str(event.get_dagster_event().asset_key), str(event.dagster_event_type)): (event, id_)
            for event, id_ in zip(events, ids, strict=True)
        }
        # in a fixed order: two runs that lock rows in different orders would deadlock
        for _, (event, id_) in sorted(last.items(), key=lambda item: item[0]):
            self._store_asset_event(connection, event, id_)


def can_batch(default: object, *needed: str) -> bool:
    """Return whether Dagster's event log has what batches need; log one warning if not.

    Parameters
    ----------
    default
        The event log that Dagster itself would use.
    needed
        Names of methods and attributes that the class for one database needs.
    """
    missing = sorted(name for name in (*_NEEDED, *needed) if not hasattr(default, name))
    if missing:
        _logger.warning(
            "this version of Dagster has no %s in its event log: events of partitions are stored "
            "one by one, which is slower",
            ", ".join(missing),
        )
    return not missing


def cached_partitions(instance: dg.DagsterInstance) -> AbstractContextManager[None]:
    """Cache dynamic partition keys, which Dagster otherwise queries per partition and table.

    Has no effect on storage classes without `BatchingEventLogMixin`.
    """
    storage = instance.event_log_storage
    if isinstance(storage, BatchingEventLogMixin):
        return storage.cached_partitions()
    return nullcontext()
