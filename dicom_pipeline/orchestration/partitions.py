"""The partitions of the raw assets, and the range of them that one run covers.

Belongs here: the partitions definition, the order of its keys, range tags.
Does not belong here: which partitions are pending (pending).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import dagster as dg

STUDY_PERIOD = "study_period"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"

study_period = dg.DynamicPartitionsDefinition(name=STUDY_PERIOD)


def range_tags(stored: Sequence[str], wanted: Collection[str]) -> dict[str, str]:
    """Tags of one run over the range that spans all wanted partitions.

    Parameters
    ----------
    stored
        All keys, in the order Dagster stores them: that of their addition.
    wanted
        Keys that the range must hold; others between them are in it too and cost nothing.
    """
    places = [stored.index(key) for key in wanted]
    return {RANGE_START: stored[min(places)], RANGE_END: stored[max(places)]}
