"""Assets that are older than their sources: seeds, groups of tables, the published file.

Belongs here: comparing Dagster's latest events, by the same rule as automation.
Does not belong here: pending partitions (pending_partitions), requesting runs (automation).
"""

from __future__ import annotations

from collections import defaultdict

import dagster as dg

from dicom_pipeline.orchestration.latest_change import latest_change
from dicom_pipeline.orchestration.seeds import SEEDS_DIR, built_digest, seed_digest

# upstream groups of each group
_SOURCES = {"stage": ("raw", "internal"), "processed": ("stage",), "published": ("processed",)}


def changed_seeds(instance: dg.DagsterInstance) -> list[str]:
    """Return the seeds whose file or profile has changed since their table was built."""
    names = sorted(path.stem for path in SEEDS_DIR.glob("*.csv"))
    found = []
    for name in names:
        key = dg.AssetKey(["internal", name])
        if (built := built_digest(instance, key)) is not None and built != seed_digest(key):
            found.append(name)
    return found


def outdated_groups(instance: dg.DagsterInstance) -> dict[str, str]:
    """Return the groups that are older than an upstream group, with that upstream group.

    Groups are compared by their latest event, not table by table: a table that was removed from
    the project keeps its last event forever. A group that was built in part is reported by the
    failed run.
    """
    built: dict[str, int] = defaultdict(lambda: -1)
    changed: dict[str, int] = defaultdict(lambda: -1)
    for record in instance.get_asset_records():
        entry = record.asset_entry
        group = entry.asset_key.path[0]
        built[group] = max(built[group], entry.last_materialization_storage_id or -1)
        change = latest_change(entry.last_materialization_record)
        changed[group] = max(changed[group], change or -1)
    if built["raw"] < 0:
        return {}
    return {
        group: newest
        for group, sources in _SOURCES.items()
        if changed[newest := max(sources, key=lambda name: changed[name])] > built[group]
    }
