"""Dagster's event log with events of many partitions stored at once, whatever database it is in.

Belongs here: which events go together, and partitions that are asked for once.
Does not belong here: the databases (event_storage for SQLite, event_storage_postgres).

A range of partitions gives two events for each partition of each raw table. Dagster stores them one
by one, with a connection and a transaction each or more. The overridden methods are private to
Dagster, whose version is pinned; tests hold the tables against those that Dagster's classes write.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import dagster as dg
from dagster._core.events import ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from sqlalchemy.engine import Connection


class EventsTogether(SqlEventLogStorage):
    """What Dagster's class for one kind of database gets in front of it."""

    _partitions: dict[str, Sequence[str]] | None = None

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
        if events:
            self.store_asset_events(runs.pop(), events)

    @abstractmethod
    def store_asset_events(self, run_id: str, events: Sequence[EventLogEntry]) -> None:
        """Store events of assets, all of one run."""

    def index_asset_events(
        self, connection: Connection, events: Sequence[EventLogEntry], ids: Sequence[int]
    ) -> None:
        """Note stored events where Dagster looks for those of an asset."""
        self._store_asset_event_tags(connection, events, ids)
        # an asset's own row tells of its last event of each type
        last = {
            (str(event.get_dagster_event().asset_key), str(event.dagster_event_type)): (event, id_)
            for event, id_ in zip(events, ids, strict=True)
        }
        # always in the same order: two runs that wait for each other's rows would wait for ever
        for _, (event, id_) in sorted(last.items(), key=lambda item: item[0]):
            self._store_asset_event(connection, event, id_)


def partitions_remembered(instance: dg.DagsterInstance) -> AbstractContextManager[None]:
    """Have Dagster ask for partitions once, where it would for each of them and each table."""
    storage = instance.event_log_storage
    if isinstance(storage, EventsTogether):
        return storage.partitions_remembered()
    return nullcontext()
