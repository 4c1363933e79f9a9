"""The purge in the raw zone: count the rows of subjects, and remove them.

Belongs here: counting rows and files of subjects, rewriting the partitions that contain them.
Does not belong here: tombstones (extract.raw_zone.tombstones), the warehouse, receipts and the
order of the steps (procedure).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dicom_pipeline.deid.identifiers import Identifier, IdentifierKind
from dicom_pipeline.extract.partition import Partitions
from dicom_pipeline.extract.raw_step import RawStep
from dicom_pipeline.extract.raw_zone.parquet import CORRUPT_SUFFIX
from dicom_pipeline.extract.raw_zone.tombstones import Matcher
from dicom_pipeline.extract.tables import GROUPED, RAW_TABLES, REJECTED, finalize_partition
from dicom_pipeline.landing.manifest import fingerprint
from dicom_pipeline.landing.storage import FILE_COLUMNS, Storage
from dicom_pipeline.mapping.attribute_mapping import DEVICE_KEYS, PATIENT_KEYS

Keys = dict[str, str | None]


@dataclass
class AffectedCounts:
    """Rows and files of some subjects in the raw zone and in the manifests.

    Attributes
    ----------
    files, issuers
        Number of files, and issuers of the Patient IDs, by the canonical text of each subject.
    rows
        Number of rows by raw table.
    manifest_rows, in_landing
        Number of files that the manifests list, and of loaded files that still exist in the
        landing zone.
    periods
        Partitions that contain rows of the subjects.
    patients, studies, devices
        Raw key columns of the purged patients, of the purged studies, and of all their devices.
    """

    files: Counter[str] = field(default_factory=Counter)
    issuers: dict[str, set[str | None]] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    manifest_rows: int = 0
    in_landing: int = 0
    periods: set[str] = field(default_factory=set)
    patients: list[Keys] = field(default_factory=list)
    studies: list[Keys] = field(default_factory=list)
    devices: list[Keys] = field(default_factory=list)


def count_affected(partitions: Partitions, subjects: Iterable[Identifier]) -> AffectedCounts:
    """Count the rows and files of some subjects; reads key columns only."""
    matcher = Matcher(subjects)
    found = AffectedCounts()
    keys: dict[IdentifierKind, set[tuple[str | None, ...]]] = {
        kind: set() for kind in IdentifierKind
    }
    devices: set[tuple[str | None, ...]] = set()
    landing = partitions.storage
    columns = [*PATIENT_KEYS, *DEVICE_KEYS, *FILE_COLUMNS, *(f"{name}_row" for name in GROUPED)]
    for period in partitions.raw.periods() if matcher else ():
        images = partitions.raw.read("images", period, columns)
        hits = matcher.hits(images) if images is not None else {}
        if images is None or not hits:
            continue
        found.periods.add(period)
        purged = images.take(pa.array(list(hits), pa.int64()))
        _count_rows(found, partitions, period, images, purged, set(hits))
        for row, subjects_of_row in zip(_tuples(purged, PATIENT_KEYS), hits.values(), strict=True):
            for subject in subjects_of_row:
                found.files[subject.canonical] += 1
                found.issuers.setdefault(subject.canonical, set()).add(row[1])
                keys[subject.kind].add(row)
        devices.update(_tuples(purged, DEVICE_KEYS))
        found.in_landing += sum(_exists(landing, path) for path in purged["file_path"].to_pylist())
    found.patients = [_named(PATIENT_KEYS, row) for row in keys[IdentifierKind.PATIENT]]
    found.studies = [_named(PATIENT_KEYS, row) for row in keys[IdentifierKind.STUDY]]
    found.devices = [_named(DEVICE_KEYS, row) for row in devices]
    return found


def _count_rows(
    found: AffectedCounts,
    partitions: Partitions,
    period: str,
    images: pa.Table,
    purged: pa.Table,
    hits: set[int],
) -> None:
    found.rows["images"] += purged.num_rows
    others = images.take(pa.array([i for i in range(images.num_rows) if i not in hits], pa.int64()))
    for name in GROUPED:
        column = f"{name}_row"
        if column in images.column_names:  # rows that other files share are not removed
            shared = set(others[column].to_pylist())
            found.rows[name] += len(set(purged[column].to_pylist()) - shared - {None})
    paths = pa.array(purged["file_path"].to_pylist(), pa.string())
    rejects = partitions.raw.read(REJECTED, period, list(FILE_COLUMNS))
    versions = set(_tuples(purged, FILE_COLUMNS))
    if rejects is not None:
        rejects = rejects.filter(pc.is_in(rejects["file_path"], value_set=paths))
        found.rows[REJECTED] += rejects.num_rows
        versions.update(_tuples(rejects, FILE_COLUMNS))
    files = (row.file for row in partitions.manifests.read(period))
    found.manifest_rows += sum(file in versions for file in files)


def _exists(landing: Storage, path: str) -> bool:
    try:
        landing.changed_at(path)
    except OSError:
        return False
    return True


def _tuples(table: pa.Table, names: Iterable[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def _named(names: Iterable[str], values: Iterable[str | None]) -> Keys:
    return dict(zip(names, values, strict=True))


def remove_purged(step: RawStep) -> int:
    """Remove every subject with a tombstone from the raw zone; the caller holds the write lock.

    Rows of other subjects are carried over without reading their files. These files are removed as
    well, because they may contain rows of the subjects: temporary files of killed processes,
    corrupt parquet files in quarantine, and the lists for manual review.

    Returns
    -------
    int
        Number of partitions that were rewritten or removed.
    """
    partitions = step.partitions
    root = partitions.raw.root
    for leftover in (*root.rglob(".*.tmp"), *root.rglob(f"*{CORRUPT_SUFFIX}*")):
        leftover.unlink(missing_ok=True)
    partitions.raw.writer.remove(root / "review")
    periods = [p for p in partitions.raw.periods() if _contains_purged(partitions, p)]
    listed = set(partitions.manifests.periods())
    for period in periods:
        if partitions.keep_deleted and period not in listed:
            _rewrite_without_purged(partitions, period)
    to_refresh = [p for p in periods if p in listed or not partitions.keep_deleted]
    for _ in step.refresh(to_refresh):
        pass
    return len(periods)


def _contains_purged(partitions: Partitions, period: str) -> bool:
    for name in ("images", "patients"):
        rows = partitions.raw.read(name, period, PATIENT_KEYS)
        if rows is not None and partitions.tombstones.matcher.hits(rows):
            return True
    return False


def _rewrite_without_purged(partitions: Partitions, period: str) -> None:
    """Rewrite a partition without manifest whose other rows are kept (``DICOM_ON_DELETE=keep``)."""
    tables = {name: partitions.raw.read(name, period) for name in RAW_TABLES}
    present = {name: table for name, table in tables.items() if table is not None}
    if len(present) < len(RAW_TABLES):
        partitions.raw.remove([period])  # an incomplete partition, which no step reads
        return
    tables_without_version = {
        name: table.drop_columns("raw_version") for name, table in present.items()
    }
    remaining, _ = partitions.tombstones.remove_rows(tables_without_version)
    version = fingerprint("purged", str(partitions.raw.version(period)))
    reader_version = partitions.raw.reader_version(period) or ""
    partitions.raw.write(
        period, finalize_partition(remaining), version=version, reader_version=reader_version
    )
