"""Which rows belong to which files: what is carried over, parted by partition, or kept.

Belongs here: choosing rows of raw tables that are there, as plain functions on Arrow tables.
Does not belong here: what must be read and written (partition), and making rows (tables).
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dicom_pipeline.extract.tables import GROUPED, REJECTED, WITH_FILES, Tables
from dicom_pipeline.headers.reader import Reason
from dicom_pipeline.landing.storage import FileVersion

_TRANSIENT = (Reason.UNREADABLE, Reason.WORKER_CRASHED, Reason.TIMEOUT)
_FILE_COLUMNS = ("file_path", "file_size", "file_mtime_ns", "file_etag")


def paths_of(tables: Tables) -> set[str]:
    """Paths of all files that have a row."""
    return {path for name in WITH_FILES for path in tables[name]["file_path"].to_pylist()}


def versions_of(files: Sequence[FileVersion]) -> set[tuple[object, ...]]:
    """What `rows_of` knows files by."""
    return {(f.path, f.size, f.mtime_ns, f.etag) for f in files}


def rows_of(table: pa.Table, versions: set[tuple[object, ...]]) -> pa.Table:
    """Rows of files that are there in these versions."""
    stored = zip(*(table[name].to_pylist() for name in _FILE_COLUMNS), strict=True)
    return table.filter(pa.array([row in versions for row in stored], pa.bool_()))


def carry_over(previous: Tables, files: Sequence[FileVersion]) -> Tables:
    """Rows of files that are as they were, and whose rows in the other tables are there."""
    versions = versions_of(files)
    images = rows_of(previous["images"], versions)
    for name in GROUPED:
        there = previous[name]["row_digest"].combine_chunks()
        images = images.filter(pc.is_in(images[f"{name}_row"], value_set=there))
    rejected = _lasting(rows_of(previous[REJECTED], versions))
    return {**previous, "images": images, REJECTED: rejected}


def parted(chunk: Tables, owners: dict[str, list[str]]) -> dict[str, Tables]:
    """The rows of a chunk, by the partitions that its files belong to.

    A pass over the chunk, not one for each partition: a chunk may hold files of hundreds.

    Parameters
    ----------
    chunk
        Rows of some files.
    owners
        Keys of the partitions of each file, by its path.
    """
    chosen: dict[str, dict[str, list[int]]] = {}
    for name in ("images", REJECTED):
        for index, path in enumerate(chunk[name]["file_path"].to_pylist()):
            for period in owners[path]:
                own = chosen.setdefault(period, {"images": [], REJECTED: []})
                own[name].append(index)
    places = {
        name: {digest: i for i, digest in enumerate(chunk[name]["row_digest"].to_pylist())}
        for name in GROUPED
    }
    parts: dict[str, Tables] = {}
    for period, own in chosen.items():
        part = {name: _take(chunk[name], indices) for name, indices in own.items()}
        for name in GROUPED:
            digests = dict.fromkeys(part["images"][f"{name}_row"].to_pylist())
            part[name] = _take(chunk[name], [places[name][digest] for digest in digests])
        parts[period] = part
    return parts


def _take(table: pa.Table, indices: list[int]) -> pa.Table:
    if len(indices) == table.num_rows:
        return table
    return table.take(pa.array(indices, pa.int64()))


def unreadable_paths(rejected: pa.Table) -> set[str]:
    """Paths of the files that could not be read."""
    chosen = rejected.filter(pc.equal(rejected["reason"], Reason.UNREADABLE.value))
    return set(chosen["file_path"].to_pylist())


def retained_rows(tables: Tables, paths: set[str], versions: set[tuple[object, ...]]) -> Tables:
    """Stored rows of some files: of images all, of rejects those of the files as they are now."""
    chosen = pa.array(sorted(paths), pa.string())
    images = tables["images"]
    images = images.filter(pc.is_in(images["file_path"], value_set=chosen))
    rejected = _lasting(rows_of(tables[REJECTED], versions))
    rejected = rejected.filter(pc.is_in(rejected["file_path"], value_set=chosen))
    return {**tables, "images": images, REJECTED: rejected}


def _lasting(rejected: pa.Table) -> pa.Table:
    """Rejects that another try would not change."""
    transient = pa.array([str(reason) for reason in _TRANSIENT])
    return rejected.filter(pc.invert(pc.is_in(rejected["reason"], value_set=transient)))


def without_rejects(part: Tables, paths: set[str]) -> Tables:
    """Rows of a part but for the rejects of some unreadable files."""
    rejected = part[REJECTED]
    stand_ins = pc.and_(
        pc.equal(rejected["reason"], Reason.UNREADABLE.value),
        pc.is_in(rejected["file_path"], value_set=pa.array(sorted(paths), pa.string())),
    )
    return {**part, REJECTED: rejected.filter(pc.invert(stand_ins))}
