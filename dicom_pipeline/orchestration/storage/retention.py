"""Retention: delete old runs, evaluations of automation conditions, and logs of ticks.

Belongs here: selecting and deleting them. Dagster deletes ticks itself (``dagster.yaml``).
Does not belong here: when they are deleted (sensors.file_arrival, command_job).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import sqlalchemy as db
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

_ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
_BATCH = 500
EVALUATION_RETENTION_DAYS = 2


def delete_old_runs(instance: dg.DagsterInstance, days: float, *, seconds: float = 10) -> int:
    """Delete ended runs, with their events and logs.

    Runs are kept if they contain the latest materialization of an asset or a partition, or the
    latest result of a check, because the state of the pipeline is derived from these events.
    Besides the runs of the last ``days``, there are thus at most as many runs as partitions,
    assets and checks.

    Parameters
    ----------
    instance
        Dagster's instance.
    days
        Minimum age of deleted runs; 0 keeps all.
    seconds
        Time limit; the remaining runs are deleted by the next call.

    Returns
    -------
    int
        Number of deleted runs.
    """
    storage = instance.event_log_storage
    if not days or not isinstance(storage, SqlEventLogStorage):
        return 0
    before = datetime.now(UTC) - timedelta(days=days)
    old = instance.get_run_ids(dg.RunsFilter(statuses=_ENDED, created_before=before))
    if not old:
        return 0
    needed = set(_runs_with_latest_events(instance, storage))
    deadline = time.monotonic() + seconds
    deleted = 0
    for run_id in reversed(old):
        if run_id in needed:
            continue
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        with storage.index_connection() as connection:
            # `delete_run` does not delete these rows
            connection.execute(
                AssetCheckExecutionsTable.delete().where(
                    AssetCheckExecutionsTable.c.run_id == run_id
                )
            )
        instance.delete_run(run_id)
        deleted += 1
        if time.monotonic() > deadline:
            break
    return deleted


def delete_old_evaluations(instance: dg.DagsterInstance, days: float) -> None:
    """Delete old evaluations of automation conditions, and logs of sensor ticks.

    An evaluation that changed something takes more than one megabyte; the web UI shows with it why
    a table was built. Dagster keeps evaluations for 30 days, and logs of ticks forever.

    Parameters
    ----------
    instance
        Dagster's instance.
    days
        Retention of runs. Evaluations and logs are deleted after this time, or after
        `EVALUATION_RETENTION_DAYS` if that is shorter; 0 keeps all.
    """
    if not days:
        return
    before = (datetime.now(UTC) - timedelta(days=min(days, EVALUATION_RETENTION_DAYS))).timestamp()
    if instance.schedule_storage is not None:
        instance.schedule_storage.purge_asset_evaluations(before)
    logs = instance.compute_log_manager
    if isinstance(logs, LocalComputeLogManager):
        base = Path(logs.get_captured_local_path(["any"], "err")).parent
        # log of a tick: <repository>/<sensor>/<number>.err
        for path in base.glob("*/*/*.err"):
            if path.stem.isdecimal() and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)


def _runs_with_latest_events(
    instance: dg.DagsterInstance, storage: SqlEventLogStorage
) -> Iterator[str]:
    latest: list[int] = []
    for record in instance.get_asset_records():
        entry = record.asset_entry
        if entry.last_materialization is not None:
            yield entry.last_materialization.run_id
        latest += storage.get_latest_storage_id_by_partition(
            entry.asset_key, dg.DagsterEventType.ASSET_MATERIALIZATION
        ).values()
    yield from _runs_of_events(storage, latest)
    checks = AssetCheckExecutionsTable.c
    newest = db.select(db.func.max(checks.id)).group_by(checks.asset_key, checks.check_name)
    with storage.index_connection() as connection:
        rows = connection.execute(db.select(checks.run_id).where(checks.id.in_(newest))).fetchall()
    yield from (row[0] for row in rows)


def _runs_of_events(storage: SqlEventLogStorage, ids: Sequence[int]) -> Iterator[str]:
    events = SqlEventLogStorageTable.c
    for i in range(0, len(ids), _BATCH):
        with storage.index_connection() as connection:
            wanted = db.select(events.run_id).where(events.id.in_(ids[i : i + _BATCH])).distinct()
            rows = connection.execute(wanted).fetchall()
        yield from (row[0] for row in rows)
