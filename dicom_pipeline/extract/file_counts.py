"""File outcomes according to the raw zone, counted without listing the landing zone.

Belongs here: sums over manifests, rows and the ignored files of the last scan.
Does not belong here: the check that no file is missing, which needs a listing (reconciliation).
"""

from __future__ import annotations

import pyarrow as pa

from dicom_pipeline.extract.partition import Partitions
from dicom_pipeline.extract.reconciliation import FileCounts
from dicom_pipeline.extract.tables import REJECTED


def count_outcomes(partitions: Partitions) -> FileCounts:
    """Count files by outcome; reads a few columns of the parquet files, and no paths.

    Parameters
    ----------
    partitions
        The manifests and the raw parquet.

    Returns
    -------
    FileCounts
        Files that are in a manifest and have no row yet count as pending.
    """
    result = FileCounts()
    raw, manifests = partitions.raw, partitions.manifests
    for period in manifests.periods():
        rows = 0
        for table, names in (("images", ["file_outcome"]), (REJECTED, ["outcome", "reason"])):
            found = raw.read(table, period, names)
            for *outcome, count in _counts(found, names):
                result.count(outcome[0], outcome[-1], count)
                rows += count
        result.pending += max(0, manifests.count(period) - rows)
    state = manifests.read_state()
    if state is not None:
        result.ignored.update(state.ignored)
        result.pending += state.unsettled
    result.discovered = result.loaded + result.duplicate + result.pending
    result.discovered += result.rejected.total() + result.ignored.total()
    return result


def _counts(rows: pa.Table | None, names: list[str]) -> list[tuple[str, str, int]]:
    if rows is None:
        return []
    counts = rows.group_by(names).aggregate([([], "count_all")])
    columns = [counts[name].to_pylist() for name in (names[0], names[-1], "count_all")]
    return list(zip(*columns, strict=True))
