"""Selection of raw rows by file: rows to carry over, to split by partition, or to retain.

Belongs here: functions on Arrow tables that select existing rows.
Does not belong here: the choice of files to read (partition), building of rows (tables).
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dicom_pipeline.extract.tables import GROUPED, REJECTED, WITH_FILES, Tables
from dicom_pipeline.headers.reader import RejectReason
from dicom_pipeline.landing.storage import FILE_COLUMNS, FileVersion

_TRANSIENT = (RejectReason.UNREADABLE, RejectReason.WORKER_CRASHED, RejectReason.TIMEOUT)


def paths_of(tables: Tables) -> set[str]:
    """Return the paths of all files that have a row."""
    return {path for name in WITH_FILES for path in tables[name]["file_path"].to_pylist()}


def versions_of(files: Sequence[FileVersion]) -> set[tuple[object, ...]]:
    """Return file versions in the form that `rows_of` compares."""
    return {(f.path, f.size, f.mtime_ns, f.etag) for f in files}


def rows_of(table: pa.Table, versions: set[tuple[object, ...]]) -> pa.Table:
    """Return the rows of the given file versions."""
    stored = zip(*(table[name].to_pylist() for name in FILE_COLUMNS), strict=True)
    return table.filter(pa.array([row in versions for row in stored], pa.bool_()))


def carry_over(previous: Tables, files: Sequence[FileVersion]) -> Tables:
    """Return the rows of unchanged files that have their rows in all tables."""
    versions = versions_of(files)
    images = rows_of(previous["images"], versions)
    for name in GROUPED:
        digests = previous[name]["row_digest"].combine_chunks()
        images = images.filter(pc.is_in(images[f"{name}_row"], value_set=digests))
    rejected = _permanent(rows_of(previous[REJECTED], versions))
    return {**previous, "images": images, REJECTED: rejected}


def split_by_partition(chunk: Tables, owners: dict[str, list[str]]) -> dict[str, Tables]:
    """Return the rows of a chunk by partition of their files.

    Makes one pass over the chunk, not one per partition: a chunk may have files of hundreds.

    Parameters
    ----------
    chunk
        Rows of some files.
    owners
        Keys of the partitions of each file, by path.
    """
    chosen: dict[str, dict[str, list[int]]] = {}
    for name in ("images", REJECTED):
        for index, path in enumerate(chunk[name]["file_path"].to_pylist()):
            for period in owners[path]:
                own = chosen.setdefault(period, {"images": [], REJECTED: []})
                own[name].append(index)
    positions = {
        name: {digest: i for i, digest in enumerate(chunk[name]["row_digest"].to_pylist())}
        for name in GROUPED
    }
    parts: dict[str, Tables] = {}
    for period, own in chosen.items():
        part = {name: _take(chunk[name], indices) for name, indices in own.items()}
        for name in GROUPED:
            digests = dict.fromkeys(part["images"][f"{name}_row"].to_pylist())
            part[name] = _take(chunk[name], [positions[name][digest] for digest in digests])
        parts[period] = part
    return parts


def _take(table: pa.Table, indices: list[int]) -> pa.Table:
    if len(indices) == table.num_rows:
        return table
    return table.take(pa.array(indices, pa.int64()))


def unreadable_paths(rejected: pa.Table) -> set[str]:
    """Return the paths of the files that could not be read."""
    chosen = rejected.filter(pc.equal(rejected["reason"], RejectReason.UNREADABLE.value))
    return set(chosen["file_path"].to_pylist())


def retained_rows(tables: Tables, paths: set[str], versions: set[tuple[object, ...]]) -> Tables:
    """Return stored rows of files: all of their images, and rejects of the given versions only."""
    chosen = pa.array(sorted(paths), pa.string())
    images = tables["images"]
    images = images.filter(pc.is_in(images["file_path"], value_set=chosen))
    rejected = _permanent(rows_of(tables[REJECTED], versions))
    rejected = rejected.filter(pc.is_in(rejected["file_path"], value_set=chosen))
    return {**tables, "images": images, REJECTED: rejected}


def _permanent(rejected: pa.Table) -> pa.Table:
    """Return the rejects that another attempt would not change."""
    transient = pa.array([str(reason) for reason in _TRANSIENT])
    return rejected.filter(pc.invert(pc.is_in(rejected["reason"], value_set=transient)))


def without_rejects(part: Tables, paths: set[str]) -> Tables:
    """Return the rows of a part without the ``unreadable`` rejects of some files."""
    rejected = part[REJECTED]
    dropped = pc.and_(
        pc.equal(rejected["reason"], RejectReason.UNREADABLE.value),
        pc.is_in(rejected["file_path"], value_set=pa.array(sorted(paths), pa.string())),
    )
    return {**part, REJECTED: rejected.filter(pc.invert(dropped))}
