"""Dagster's own PostgreSQL storage, with events of many partitions stored at once.

Belongs here: how events are written to PostgreSQL, named in ``deploy/dagster.yaml`` as the storage.
Does not belong here: which events go together (event_batches). The tables are Dagster's own.

``dagster-postgres`` is an extra (``deploy``), so nothing else may import this module. Its own
batches tell only one of several assets that it has an event, which automation would never see.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as db
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from dagster_postgres.utils import (
    create_pg_engine,
    get_token_provider_from_config,
    pg_url_from_config,
)

from dicom_pipeline.config.settings import batch_dagster_events
from dicom_pipeline.orchestration.storage.event_batches import EventsTogether


class BatchingPostgresEvents(EventsTogether, PostgresEventLogStorage):
    """Dagster's event log in PostgreSQL; events of a batch share a transaction.

    A connection is kept: Dagster makes two or three for every event, of 7 ms each with a password
    on this very machine, and a run has hundreds of events.
    """

    def __init__(self, postgres_url: str, *arguments: Any, **options: Any) -> None:
        super().__init__(postgres_url, *arguments, **options)
        self._engine.dispose()
        self._engine = create_pg_engine(
            postgres_url,
            self._token_provider,
            isolation_level="AUTOCOMMIT",
            pool_size=1,
            max_overflow=-1,
            pool_pre_ping=True,  # servers, and what stands between, close idle connections
            hide_parameters=True,  # in the text of errors
        )

    def dispose(self) -> None:
        """Close what was kept."""
        super().dispose()
        self._engine.dispose()

    def store_asset_events(self, run_id: str, events: Sequence[EventLogEntry]) -> None:
        """Store them in one transaction."""
        with self.index_transaction() as connection:
            ids: list[int] = list(
                connection.execute(
                    db.insert(SqlEventLogStorageTable).returning(
                        SqlEventLogStorageTable.c.id, sort_by_parameter_order=True
                    ),
                    [self._event_to_row(event) for event in events],
                ).scalars()
            )
            self.index_asset_events(connection, events, ids)


class BatchingPostgresStorage(DagsterPostgresStorage):
    """`DagsterPostgresStorage` with `BatchingPostgresEvents` as its event log."""

    def __init__(self, postgres_url: str, *arguments: Any, **options: Any) -> None:
        super().__init__(postgres_url, *arguments, **options)
        plain = self._event_log_storage
        self._event_log_storage = BatchingPostgresEvents(
            postgres_url, self.should_autocreate_tables, token_provider=plain._token_provider
        )
        plain.dispose()
        batch_dagster_events()

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "BatchingPostgresStorage":
        """Make it as ``dagster.yaml`` says."""
        return cls(
            pg_url_from_config(config_value),
            config_value.get("should_autocreate_tables", True),
            inst_data=inst_data,
            token_provider=get_token_provider_from_config(config_value),
        )
