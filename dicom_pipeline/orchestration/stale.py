"""What is no longer as its sources are: seeds, groups of tables, the published file.

Belongs here: comparing Dagster's latest events, by the rule that automation goes by.
Does not belong here: partitions that need a run (pending), and asking for runs (automation).
"""

from __future__ import annotations

from collections import defaultdict

import dagster as dg

from dicom_pipeline.orchestration.seeds import SEEDS_DIR, built_digest, seed_digest

# each group with those that it is built from
_SOURCES = {"stage": ("raw", "internal"), "processed": ("stage",), "published": ("processed",)}


def changed_seeds(instance: dg.DagsterInstance) -> list[str]:
    """Seeds whose file, or profile, is another one than their table was built from."""
    names = sorted(path.stem for path in SEEDS_DIR.glob("*.csv"))
    found = []
    for name in names:
        key = dg.AssetKey(["internal", name])
        if (built := built_digest(instance, key)) is not None and built != seed_digest(key):
            found.append(name)
    return found


def outdated_groups(instance: dg.DagsterInstance) -> dict[str, str]:
    """Groups that were last built before what they are built from, and the younger group.

    By the latest event of each group: a table that was dropped from the project keeps its last
    event for ever. Of a group that was built in part, the failed run tells.
    """
    latest: dict[str, int] = defaultdict(lambda: -1)
    for record in instance.get_asset_records():
        entry = record.asset_entry
        group = entry.asset_key.path[0]
        latest[group] = max(latest[group], entry.last_materialization_storage_id or -1)
    if latest["raw"] < 0:
        return {}
    return {
        group: younger
        for group, sources in _SOURCES.items()
        if latest[younger := max(sources, key=lambda name: latest[name])] > latest[group]
    }
