"""Manifests: the files of each partition. One parquet file per partition, in the raw zone.

Belongs here: reading, writing and fingerprinting manifests.
Does not belong here: finding files (scan), and the values extracted from them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dicom_pipeline.common.errors import UserError
from dicom_pipeline.common.private_files import LOCAL_WRITER, Writer
from dicom_pipeline.landing.storage import FileVersion, Ignored

SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("mtime_ns", pa.int64()),
        pa.field("etag", pa.string()),
        pa.field("study_day", pa.string()),
        pa.field("opened", pa.bool_(), nullable=False),
        pa.field("first_seen", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)
_MANIFESTS = "study_period=*.parquet"
_DIGEST_KEY = b"dicom_pipeline.files_digest"


class CorruptManifest(UserError):
    """A manifest cannot be read; the next scan rebuilds it."""


@contextmanager
def _detect_corruption() -> Iterator[None]:
    """Raise `CorruptManifest` for an unreadable file, but not for errors of the disk."""
    try:
        yield
    except (pa.ArrowException, OSError, KeyError) as error:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno):
            raise
        raise CorruptManifest(
            "a manifest of the raw zone cannot be read; to rebuild it, run: dicom-pipeline scan"
        ) from None


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """File of a partition.

    Attributes
    ----------
    file
        Path, size and version of the file.
    study_day
        Day that determines the partition. It is stored so that a change of the granularity does
        not need the file.
    opened
        False if the file could not be read during the scan or later; the next scan retries.
    first_seen
        Time of the first scan that found the path.
    """

    file: FileVersion
    study_day: str | None
    opened: bool
    first_seen: datetime


@dataclass(frozen=True)
class ScanState:
    """Results of the last scan other than the files of the partitions.

    ``landing`` is the scanned landing zone as in the settings; empty if an older version wrote the
    state.
    """

    began_at: datetime
    complete: bool
    unsettled: int
    ignored: dict[str, int]
    landing: str = ""

    def is_other_landing(self, landing: str) -> bool:
        """Whether the last scan was of a different landing zone."""
        return self.landing not in ("", landing)


def files_digest(rows: Iterable[ManifestRow]) -> str:
    """Return a hash of the files of a partition: their versions and whether they were opened.

    So the hash changes when a file becomes readable, even if its times did not change.

    Parameters
    ----------
    rows
        Files of the partition, in any order.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    lines = [
        f"{path}\0{size}\0{mtime_ns}\0{etag}\0{row.opened}\n"
        for row in sorted(rows, key=lambda row: row.file.path)
        for path, size, mtime_ns, etag in (row.file,)
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def fingerprint(*parts: str) -> str:
    """Return the version of a partition: a hash of its files, columns and extractor.

    Parameters
    ----------
    parts
        The inputs: digest of the files, digest of the columns, version of the extractor.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


class ManifestStore:
    """The manifests of a raw zone: ``<raw>/manifests/study_period=<key>.parquet``."""

    def __init__(self, raw_dir: Path, writer: Writer = LOCAL_WRITER) -> None:
        self._writer = writer
        self._directory = raw_dir / "manifests"
        self._state = self._directory / "last_scan.json"
        self._listing = self._directory / "last_listing.txt"

    def _path(self, period: str) -> Path:
        return self._directory / f"study_period={period}.parquet"

    def periods(self) -> list[str]:
        """Return the keys of all partitions with a manifest, sorted."""
        return sorted(
            path.name.removeprefix("study_period=").removesuffix(".parquet")
            for path in self._directory.glob(_MANIFESTS)
        )

    def read(self, period: str) -> list[ManifestRow]:
        """Return the rows of one manifest; empty if there is no manifest."""
        columns = self._columns(period, SCHEMA.names)
        return [
            ManifestRow(FileVersion(path, size, mtime_ns, etag), day, opened, seen)
            for path, size, mtime_ns, etag, day, opened, seen in zip(*columns, strict=True)
        ]

    def files(self, period: str) -> tuple[list[FileVersion], set[str]]:
        """Return the files of one manifest, and the paths of those that could not be opened.

        This takes a third of the time of `read`, which matters for a scan of many files.
        """
        *versions, opened = self._columns(period, [*SCHEMA.names[:4], "opened"])
        files = list(map(FileVersion, *versions))
        if all(opened):
            return files, set()
        return files, {
            file.path for file, is_open in zip(files, opened, strict=True) if not is_open
        }

    def digest(self, period: str) -> str:
        """Return `files_digest` of one manifest, from its footer if possible."""
        path = self._path(period)
        with _detect_corruption():
            metadata = (pq.read_metadata(path).metadata or {}) if path.exists() else {}
        stored = metadata.get(_DIGEST_KEY)
        return stored.decode() if stored else files_digest(self.read(period))

    def table(self, period: str) -> pa.Table:
        """Return path, size, modification time and ETag of the files of one manifest."""
        return self._table(period, SCHEMA.names[:4])

    def is_readable(self, period: str) -> bool:
        """Whether one manifest can be read to its end."""
        try:
            self._table(period, SCHEMA.names)
        except CorruptManifest:
            return False
        return True

    def _columns(self, period: str, names: list[str]) -> list[list[Any]]:
        table = self._table(period, names)
        return [table[name].to_pylist() for name in names]

    def _table(self, period: str, names: list[str]) -> pa.Table:
        if not self._path(period).exists():
            return SCHEMA.empty_table().select(names)
        # not the dataset reader: importing it, and pandas with it, takes longer than reading
        with (
            _detect_corruption(),
            pq.ParquetFile(self._path(period), page_checksum_verification=True) as file,
        ):
            table = file.read(names)
        for name in set(names) - set(table.column_names):  # written before the column existed
            value = True if name == "opened" else None
            column = pa.repeat(pa.scalar(value, SCHEMA.field(name).type), table.num_rows)
            table = table.append_column(name, column)
        return table

    def count(self, period: str) -> int:
        """Return the number of files in one manifest, from its footer."""
        path = self._path(period)
        with _detect_corruption():
            return pq.read_metadata(path).num_rows if path.exists() else 0

    def newest_file(self) -> datetime | None:
        """Return the time of the first scan that found the newest file; None without files.

        The time is read from the footers of the manifests that were written last: no older
        manifest has a newer file.
        """
        newest: datetime | None = None
        manifests = [(path.stat().st_mtime, path) for path in self._directory.glob(_MANIFESTS)]
        for written, path in sorted(manifests, reverse=True):
            if newest is not None and written < newest.timestamp():
                break
            with suppress(CorruptManifest, FileNotFoundError), _detect_corruption():
                latest = _latest_first_seen(pq.read_metadata(path))
                newest = max(filter(None, (newest, latest)), default=None)
        return newest

    def write(self, period: str, rows: Iterable[ManifestRow]) -> None:
        """Replace one manifest."""
        ordered = sorted(rows, key=lambda row: row.file.path)
        files = [row.file for row in ordered]
        table = pa.table(
            [
                pa.array([f.path for f in files], pa.string()),
                pa.array([f.size for f in files], pa.int64()),
                pa.array([f.mtime_ns for f in files], pa.int64()),
                pa.array([f.etag for f in files], pa.string()),
                pa.array([row.study_day for row in ordered], pa.string()),
                pa.array([row.opened for row in ordered], pa.bool_()),
                pa.array([row.first_seen for row in ordered], SCHEMA.field("first_seen").type),
            ],
            schema=SCHEMA,
        )
        table = table.replace_schema_metadata({_DIGEST_KEY: files_digest(ordered).encode()})
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
        self._writer.write(self._path(period), memoryview(sink.getvalue()))

    def remove(self, period: str) -> None:
        """Remove the manifest of a partition without files and rows."""
        self._writer.remove(self._path(period))

    def write_state(self, state: ScanState) -> None:
        """Write the state of a scan, if it changed."""
        text = json.dumps(
            {
                "began_at": state.began_at.isoformat(),
                "complete": state.complete,
                "unsettled": state.unsettled,
                "ignored": state.ignored,
                "landing": state.landing,
            }
        )
        if not self._state.exists() or self._state.read_bytes() != text.encode():
            self._writer.write(self._state, text.encode())

    def note_listing(self, at: datetime) -> None:
        """Store the time of a full listing, for a landing zone that is not listed at each scan."""
        self._writer.write(self._listing, at.isoformat().encode())

    def listed_at(self) -> datetime | None:
        """Return the time of the last full listing, or None; see `note_listing`."""
        try:
            return datetime.fromisoformat(self._listing.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def read_state(self) -> ScanState | None:
        """Return the state of the last scan; None if there is none or it cannot be read."""
        try:
            state = json.loads(self._state.read_bytes())
            return ScanState(
                datetime.fromisoformat(state["began_at"]),
                state["complete"],
                state["unsettled"],
                state["ignored"],
                state.get("landing", ""),
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None


def _latest_first_seen(footer: pq.FileMetaData) -> datetime | None:
    """Return the latest ``first_seen`` of a manifest by the statistics in its footer."""
    name = "first_seen"
    if name not in footer.schema.names:  # written before the column existed
        return None
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    statistics = [group.column(footer.schema.names.index(name)).statistics for group in groups]
    return max((found.max for found in statistics if found and found.has_min_max), default=None)


def count_ignored(ignored: dict[str, Ignored]) -> dict[str, int]:
    """Count ignored names by reason."""
    counts: dict[str, int] = {}
    for reason in ignored.values():
        counts[reason] = counts.get(reason, 0) + 1
    return dict(sorted(counts.items()))


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)
