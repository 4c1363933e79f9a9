"""The latest materialization that changed an asset: later ones may have found it up to date.

Belongs here: the metadata of a materialization that changed nothing, and reading it.
Does not belong here: whether a partition has changed (assets.raw), requesting runs (automation).

Dagster records a materialization for each partition of a run, and a backfill counts a partition
without one as failed. So a run of up-to-date partitions records materializations too; each refers
to the latest one that changed the asset, and nothing downstream is rebuilt.
"""

from __future__ import annotations

import dagster as dg

_METADATA = "latest_change"


def latest_change(record: dg.EventLogRecord | None) -> int | None:
    """Return the storage id of the latest materialization that changed an asset.

    Parameters
    ----------
    record
        Latest materialization of the asset; None if there is none.
    """
    if record is None:
        return None
    materialization = record.asset_materialization
    referred = materialization.metadata.get(_METADATA) if materialization else None
    value = referred.value if referred is not None else None
    return value if isinstance(value, int) else record.storage_id


def unchanged_metadata(instance: dg.DagsterInstance, key: dg.AssetKey) -> dict[str, int]:
    """Return the metadata of a materialization that changed nothing; empty if it is the first."""
    records = instance.get_asset_records([key])
    latest = records[0].asset_entry.last_materialization_record if records else None
    change = latest_change(latest)
    return {} if change is None else {_METADATA: change}
