"""Dagster's PostgreSQL storage with batched writes of events; ``deploy/dagster.yaml`` selects it.

Belongs here: writing events to PostgreSQL, with Dagster's own tables.
Does not belong here: grouping events into batches (event_batches).

``dagster-postgres`` is part of the extra ``deploy``, so no other module may import this one. The
batches of ``dagster-postgres`` itself update only one of several assets, so that automation would
miss the events of the others.
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
from dicom_pipeline.orchestration.one_line_error import log_in_one_line
from dicom_pipeline.orchestration.storage.event_batches import BatchingEventLogMixin, can_batch


class BatchingPostgresEventLog(BatchingEventLogMixin, PostgresEventLogStorage):
    """Dagster's event log in PostgreSQL; the events of a batch share a transaction.

    One connection is kept open. Dagster opens two or three per event; each takes about 7 ms with
    password authentication on the same host, and a run has hundreds of events.
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
            pool_pre_ping=True,  # servers and proxies close idle connections
            hide_parameters=True,  # keep parameters out of error messages
        )

    def dispose(self) -> None:
        """Close the connection pool."""
        super().dispose()
        self._engine.dispose()

    def store_asset_events(self, run_id: str, events: Sequence[EventLogEntry]) -> None:
        """Store asset events of one run in one transaction."""
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
    """`DagsterPostgresStorage` with `BatchingPostgresEventLog` as its event log."""

    def __init__(self, postgres_url: str, *arguments: Any, **options: Any) -> None:
        super().__init__(postgres_url, *arguments, **options)
        log_in_one_line()  # the storage is the only code of the project in the daemon's process
        default: Any = getattr(self, "_event_log_storage", None)
        if can_batch(default, "_engine", "_event_to_row", "_token_provider"):
            self._event_log_storage = BatchingPostgresEventLog(
                postgres_url,
                self.should_autocreate_tables,
                token_provider=default._token_provider,
            )
            default.dispose()
            batch_dagster_events()

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "BatchingPostgresStorage":
        """Create the storage from its configuration in ``dagster.yaml``."""
        return cls(
            pg_url_from_config(config_value),
            config_value.get("should_autocreate_tables", True),
            inst_data=inst_data,
            token_provider=get_token_provider_from_config(config_value),
        )
