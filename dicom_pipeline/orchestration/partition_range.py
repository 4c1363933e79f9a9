"""The partitions of the raw assets, and the range of them that one run covers.

Belongs here: the partitions definition, the order of its keys, range tags.
Does not belong here: which partitions are pending (pending_partitions).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import dagster as dg

STUDY_PERIOD = "study_period"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"

study_period = dg.DynamicPartitionsDefinition(name=STUDY_PERIOD)


def range_tags(stored: Sequence[str], wanted: Collection[str]) -> dict[str, str]:
    """Return the tags of one run over the range that spans all wanted partitions.

    Parameters
    ----------
    stored
        All keys in the order in which they were added, as Dagster stores them.
    wanted
        Keys that the range must contain. It also contains the keys between them, which are
        skipped because they are up to date.
    """
    positions = [stored.index(key) for key in wanted]
    return {RANGE_START: stored[min(positions)], RANGE_END: stored[max(positions)]}
