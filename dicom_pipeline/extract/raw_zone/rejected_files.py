"""Rejected files: listing them, and marking them for another attempt.

Belongs here: rejected files that are still in the manifests.
Does not belong here: reasons for rejection (headers.reader), counts of all files (reconciliation),
printing (cli).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from dicom_pipeline.extract.partition import Partitions
from dicom_pipeline.extract.raw_zone.rows import rows_of, versions_of
from dicom_pipeline.extract.tables import REJECTED
from dicom_pipeline.headers.reader import RejectReason


class RejectedFile(NamedTuple):
    """File without a row.

    Attributes
    ----------
    outcome, reason
        ``rejected`` or ``ignored``, and why.
    path
        Path in the landing zone.
    fault
        Kind of the fault of a malformed header, else None.
    """

    outcome: str
    reason: str
    path: str
    fault: str | None


def rejected_files(
    partitions: Partitions, reasons: Collection[RejectReason] = ()
) -> list[RejectedFile]:
    """Return rejected files that are unchanged since, sorted by outcome, reason and path.

    Parameters
    ----------
    partitions
        The manifests and the raw parquet.
    reasons
        Only files with these reasons, which may also be reasons of ignored files.
    """
    return sorted(
        RejectedFile(*row)
        for _, rows in _chosen(partitions, reasons)
        for row in zip(*(_values(rows, name) for name in _COLUMNS), strict=True)
    )


def retry_rejected(partitions: Partitions, reasons: Collection[RejectReason] = ()) -> int:
    """Mark rejected files to be read again by the next run; the caller holds the write lock.

    Their rows are removed, and their partitions get a version that differs from the required one,
    so that the next run reads the files without rows. If the process is killed, each partition is
    either marked or unchanged.

    Parameters
    ----------
    partitions, reasons
        See `rejected_files`.

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
            raw.read_all(period),
            raw.version(period),
            raw.reader_version(period),
        )
        if tables is None or version is None or reader_version is None:
            continue  # the next run reads the whole partition anyway
        gone = pc.is_in(tables[REJECTED]["file_path"], value_set=rows["file_path"].combine_chunks())
        tables[REJECTED] = tables[REJECTED].filter(pc.invert(gone))
        pending = version.removesuffix(_RETRY_SUFFIX) + _RETRY_SUFFIX
        raw.write(period, tables, version=pending, reader_version=reader_version)
    return count


def _values(rows: pa.Table, name: str) -> list[str | None]:
    # an older extractor wrote no faults; the next run reads its files again
    return rows[name].to_pylist() if name in rows.column_names else [None] * rows.num_rows


_COLUMNS = ("outcome", "reason", "file_path", "fault")
_RETRY_SUFFIX = "-again"


def _chosen(
    partitions: Partitions, reasons: Collection[RejectReason]
) -> Iterator[tuple[str, pa.Table]]:
    """Yield key and chosen rows of each partition that has such rows."""
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
