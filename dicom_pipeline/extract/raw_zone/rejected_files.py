"""Files that gave no row: which they are, and having them read again.

Belongs here: the rejects of the partitions as their manifests are now.
Does not belong here: why a file is rejected (reader), counting all files (accounting), printing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from dicom_pipeline.extract.partition import Partitions
from dicom_pipeline.extract.raw_zone.rows import rows_of, versions_of
from dicom_pipeline.extract.tables import REJECTED
from dicom_pipeline.headers.reader import Reason


class Rejected(NamedTuple):
    """A file without a row: ``rejected`` or ``ignored``, the reason, and its path in the zone."""

    outcome: str
    reason: str
    path: str


def rejected_files(partitions: Partitions, reasons: Collection[Reason] = ()) -> list[Rejected]:
    """Files that were rejected and are still there as they were, by reason and path.

    Parameters
    ----------
    partitions
        The manifests and the raw parquet.
    reasons
        Only those with these reasons, which may also be such that files are ignored for.
    """
    return sorted(
        Rejected(*row)
        for _, rows in _chosen(partitions, reasons)
        for row in zip(*(rows[name].to_pylist() for name in _COLUMNS), strict=True)
    )


def retry_rejected(partitions: Partitions, reasons: Collection[Reason] = ()) -> int:
    """Let the next run read rejected files again; the caller holds the writer lock.

    Their rows are taken out, and their partitions get another version than the one that is
    wanted: so they are pending, and what is not there is read. Whoever is killed in between has
    left partitions that are pending, or as they were.

    Parameters
    ----------
    partitions, reasons
        As for `rejected_files`.

    Returns
    -------
    int
        Number of files.
    """
    count = 0
    for period, rows in list(_chosen(partitions, reasons)):
        count += rows.num_rows
        raw = partitions.raw
        tables, version, reader_version = (
            raw.whole(period),
            raw.version(period),
            raw.reader_version(period),
        )
        if tables is None or version is None or reader_version is None:
            continue  # it is read as a whole anyway
        gone = pc.is_in(tables[REJECTED]["file_path"], value_set=rows["file_path"].combine_chunks())
        tables[REJECTED] = tables[REJECTED].filter(pc.invert(gone))
        pending = version.removesuffix(_AGAIN) + _AGAIN
        raw.write(period, tables, version=pending, reader_version=reader_version)
    return count


_COLUMNS = ("outcome", "reason", "file_path")
_AGAIN = "-again"


def _chosen(partitions: Partitions, reasons: Collection[Reason]) -> Iterator[tuple[str, pa.Table]]:
    """Chosen rows of each partition that has some."""
    for period in partitions.manifests.periods():
        rows = partitions.raw.read(REJECTED, period)
        if rows is None or not rows.num_rows:
            continue
        if reasons:
            wanted = pc.is_in(rows["reason"], value_set=pa.array([str(r) for r in reasons]))
        else:
            wanted = pc.equal(rows["outcome"], "rejected")
        rows = rows.filter(wanted)
        if rows.num_rows:
            files, _ = partitions.manifests.files(period)
            rows = rows_of(rows, versions_of(files))
        if rows.num_rows:
            yield period, rows
