"""Manifests: which files make up each partition. One parquet file a partition, in the raw zone.

Belongs here: reading, writing and fingerprinting manifests.
Does not belong here: how files are found (scan), and what was extracted from them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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
_DIGEST_KEY = b"dicom_pipeline.files_digest"


class CorruptManifest(UserError):
    """A manifest cannot be read; the next scan makes it anew."""


@contextmanager
def _told() -> Iterator[None]:
    """Tell a damaged file from a disk that cannot be read."""
    try:
        yield
    except (pa.ArrowException, OSError, KeyError) as error:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno):
            raise
        raise CorruptManifest(
            "a manifest of the raw zone cannot be read; it is made anew by: dicom-pipeline scan"
        ) from None


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """A file of a partition.

    ``study_day`` is what placed it (so that another grain needs no second look at the file);
    ``opened`` is False for a file that could not be read at the scan, or afterwards: the next
    scan tries again.
    """

    file: FileVersion
    study_day: str | None
    opened: bool
    first_seen: datetime


@dataclass(frozen=True)
class ScanState:
    """What the last scan saw beside the files of the partitions.

    ``landing`` is the landing zone that it scanned, as the settings name it; empty where an older
    version did not say.
    """

    began_at: datetime
    complete: bool
    unsettled: int
    ignored: dict[str, int]
    landing: str = ""

    def is_other_landing(self, landing: str) -> bool:
        """Whether it was another landing zone that was scanned."""
        return self.landing not in ("", landing)


def files_digest(rows: Iterable[ManifestRow]) -> str:
    """What a partition consists of: versions of its files, and which of them cannot be opened.

    A file that could not be opened is another one once it can, though its times are the same.

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
    """Version of a partition: of its files, of what is read from them and by which extractor.

    Parameters
    ----------
    parts
        What it depends on: the files' digest, that of the column list, the extractor's version.

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
        """Keys of all partitions that have a manifest, sorted."""
        return sorted(
            path.name.removeprefix("study_period=").removesuffix(".parquet")
            for path in self._directory.glob("study_period=*.parquet")
        )

    def read(self, period: str) -> list[ManifestRow]:
        """Rows of one manifest; none for a partition without files or without a manifest."""
        columns = self._columns(period, SCHEMA.names)
        return [
            ManifestRow(FileVersion(path, size, mtime_ns, etag), day, opened, seen)
            for path, size, mtime_ns, etag, day, opened, seen in zip(*columns, strict=True)
        ]

    def files(self, period: str) -> tuple[list[FileVersion], set[str]]:
        """Files of one manifest, and the paths of those that could not be opened.

        A third of the cost of whole rows, which a scan of many files feels.
        """
        *versions, opened = self._columns(period, [*SCHEMA.names[:4], "opened"])
        files = list(map(FileVersion, *versions))
        if all(opened):
            return files, set()
        return files, {
            file.path for file, is_open in zip(files, opened, strict=True) if not is_open
        }

    def digest(self, period: str) -> str:
        """`files_digest` of one manifest, by its footer."""
        path = self._path(period)
        with _told():
            metadata = (pq.read_metadata(path).metadata or {}) if path.exists() else {}
        stored = metadata.get(_DIGEST_KEY)
        return stored.decode() if stored else files_digest(self.read(period))

    def table(self, period: str) -> pa.Table:
        """Path, size, time and etag of the files of one manifest, as columns."""
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
        # not the dataset reader: importing it, and pandas with it, costs more than reading
        with _told(), pq.ParquetFile(self._path(period), page_checksum_verification=True) as file:
            table = file.read(names)
        for name in set(names) - set(table.column_names):  # older than this column
            value = True if name == "opened" else None
            column = pa.repeat(pa.scalar(value, SCHEMA.field(name).type), table.num_rows)
            table = table.append_column(name, column)
        return table

    def count(self, period: str) -> int:
        """Number of files in one manifest, by its footer."""
        path = self._path(period)
        with _told():
            return pq.read_metadata(path).num_rows if path.exists() else 0

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
        """Forget a partition whose files and rows are gone."""
        self._writer.remove(self._path(period))

    def write_state(self, state: ScanState) -> None:
        """Note what a scan saw: which landing zone, and counts."""
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
        """Note that the landing zone was listed whole, where that is not done at each scan."""
        self._writer.write(self._listing, at.isoformat().encode())

    def listed_at(self) -> datetime | None:
        """When the landing zone was last listed whole, as `note_listing` has it."""
        try:
            return datetime.fromisoformat(self._listing.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def read_state(self) -> ScanState | None:
        """What the last scan saw; None before the first, and where that cannot be read."""
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


def count_ignored(ignored: dict[str, Ignored]) -> dict[str, int]:
    """Names passed over, by reason."""
    counts: dict[str, int] = {}
    for reason in ignored.values():
        counts[reason] = counts.get(reason, 0) + 1
    return dict(sorted(counts.items()))


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)
