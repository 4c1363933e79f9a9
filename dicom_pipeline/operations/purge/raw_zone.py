"""What a purge does in the raw zone: it counts what is a subject's, and takes it out.

Belongs here: counting rows and files of subjects, rewriting the partitions that have them.
Does not belong here: tombstones (withdrawal), the warehouse, receipts and their order (withdraw).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dicom_pipeline.deid.identifiers import Identifier, Kind
from dicom_pipeline.extract.partition import Partitions
from dicom_pipeline.extract.raw_step import RawStep
from dicom_pipeline.extract.raw_zone.parquet import DAMAGED
from dicom_pipeline.extract.raw_zone.tombstones import Matcher
from dicom_pipeline.extract.tables import GROUPED, RAW_TABLES, REJECTED, finalize_partition
from dicom_pipeline.landing.manifest import fingerprint
from dicom_pipeline.landing.storage import Storage
from dicom_pipeline.mapping.attribute_mapping import DEVICE_KEYS, PATIENT_KEYS

Keys = dict[str, str | None]
_FILE = ("file_path", "file_size", "file_mtime_ns", "file_etag")


@dataclass
class Survey:
    """What the raw zone and the manifests hold of some subjects.

    Attributes
    ----------
    files, issuers
        Number of files, and issuers of the Patient IDs, of each subject by its canonical text.
    rows
        Rows of each raw table.
    manifest_rows, in_landing
        Files that the manifests list, and those that lie in the landing zone.
    periods
        Partitions with rows of theirs.
    patients, studies, devices
        Raw key columns behind their entity keys: of patients as a whole, of studies, of devices.
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


def survey(partitions: Partitions, subjects: Iterable[Identifier]) -> Survey:
    """Count what is there of some subjects; reads key columns only."""
    matcher = Matcher(subjects)
    found = Survey()
    keys: dict[Kind, set[tuple[str | None, ...]]] = {kind: set() for kind in Kind}
    devices: set[tuple[str | None, ...]] = set()
    landing = partitions.storage
    columns = [*PATIENT_KEYS, *DEVICE_KEYS, *_FILE, *(f"{name}_row" for name in GROUPED)]
    for period in partitions.raw.periods() if matcher else ():
        images = partitions.raw.read("images", period, columns)
        hits = matcher.hits(images) if images is not None else {}
        if images is None or not hits:
            continue
        found.periods.add(period)
        theirs = images.take(pa.array(list(hits), pa.int64()))
        _count_rows(found, partitions, period, images, theirs, set(hits))
        for row, subjects_of_row in zip(_tuples(theirs, PATIENT_KEYS), hits.values(), strict=True):
            for subject in subjects_of_row:
                found.files[subject.canonical] += 1
                found.issuers.setdefault(subject.canonical, set()).add(row[1])
                keys[subject.kind].add(row)
        devices.update(_tuples(theirs, DEVICE_KEYS))
        found.in_landing += sum(_lies_there(landing, p) for p in theirs["file_path"].to_pylist())
    found.patients = [_named(PATIENT_KEYS, row) for row in keys[Kind.PATIENT]]
    found.studies = [_named(PATIENT_KEYS, row) for row in keys[Kind.STUDY]]
    found.devices = [_named(DEVICE_KEYS, row) for row in devices]
    return found


def _count_rows(
    found: Survey,
    partitions: Partitions,
    period: str,
    images: pa.Table,
    theirs: pa.Table,
    hits: set[int],
) -> None:
    found.rows["images"] += theirs.num_rows
    others = images.take(pa.array([i for i in range(images.num_rows) if i not in hits], pa.int64()))
    for name in GROUPED:
        column = f"{name}_row"
        if column in images.column_names:  # rows that others have too stay
            shared = set(others[column].to_pylist())
            found.rows[name] += len(set(theirs[column].to_pylist()) - shared - {None})
    paths = pa.array(theirs["file_path"].to_pylist(), pa.string())
    rejects = partitions.raw.read(REJECTED, period, list(_FILE))
    versions = set(_tuples(theirs, _FILE))
    if rejects is not None:
        rejects = rejects.filter(pc.is_in(rejects["file_path"], value_set=paths))
        found.rows[REJECTED] += rejects.num_rows
        versions.update(_tuples(rejects, _FILE))
    files = (row.file for row in partitions.manifests.read(period))
    found.manifest_rows += sum(file in versions for file in files)


def _lies_there(landing: Storage, path: str) -> bool:
    try:
        landing.changed_at(path)
    except OSError:
        return False
    return True


def _tuples(table: pa.Table, names: Iterable[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def _named(names: Iterable[str], values: Iterable[str | None]) -> Keys:
    return dict(zip(names, values, strict=True))


def clear(step: RawStep) -> int:
    """Take every subject with a tombstone out of the raw zone; the caller holds the lock.

    Rows of other subjects are carried over, no file of theirs is read. What killed processes left
    under temporary names goes too, and so do damaged parquet that was set aside, of which nobody
    can say whose rows it has, and lists that were made of raw values for people to read.

    Returns
    -------
    int
        Number of partitions that were written anew or removed.
    """
    partitions = step.partitions
    root = partitions.raw.root
    for left_behind in (*root.rglob(".*.tmp"), *root.rglob(f"*{DAMAGED}*")):
        left_behind.unlink(missing_ok=True)
    partitions.raw.writer.remove(root / "review")
    periods = [period for period in partitions.raw.periods() if _has_theirs(partitions, period)]
    listed = set(partitions.manifests.periods())
    for period in periods:
        if partitions.keep_deleted and period not in listed:
            _strip(partitions, period)
    to_refresh = [p for p in periods if p in listed or not partitions.keep_deleted]
    for _ in step.refresh(to_refresh):
        pass
    return len(periods)


def _has_theirs(partitions: Partitions, period: str) -> bool:
    for name in ("images", "patients"):
        rows = partitions.raw.read(name, period, PATIENT_KEYS)
        if rows is not None and partitions.tombstones.matcher.hits(rows):
            return True
    return False


def _strip(partitions: Partitions, period: str) -> None:
    """Rewrite a partition that has lost its manifest and whose other rows are to stay."""
    tables = {name: partitions.raw.read(name, period) for name in RAW_TABLES}
    present = {name: table for name, table in tables.items() if table is not None}
    if len(present) < len(RAW_TABLES):
        partitions.raw.remove([period])  # half of a partition: nothing reads it
        return
    plain = {name: table.drop_columns("raw_version") for name, table in present.items()}
    remaining, _ = partitions.tombstones.take_out(plain)
    version = fingerprint("purged", str(partitions.raw.version(period)))
    reader_version = partitions.raw.reader_version(period) or ""
    partitions.raw.write(
        period, finalize_partition(remaining), version=version, reader_version=reader_version
    )
