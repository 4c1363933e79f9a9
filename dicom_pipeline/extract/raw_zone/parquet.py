"""Where the raw parquet lies: one file a table and partition, written whole or not at all.

Belongs here: paths, footers and atomic replacement of raw parquet.
Does not belong here: what the rows mean (tables), and manifests (landing).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, count
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dicom_pipeline.common.errors import UserError
from dicom_pipeline.common.private_files import LOCAL_WRITER, Data, Writer, ensure_private_directory
from dicom_pipeline.extract.tables import (
    IDENTITY_TERMS,
    RAW_TABLES,
    REJECTED,
    Tables,
    table_schema,
)
from dicom_pipeline.mapping.attribute_mapping import AttributeMapping

VERSION_KEY = b"dicom_pipeline.version"
READER_VERSION_KEY = b"dicom_pipeline.reader_version"
SCHEMA_PERIOD = "__none__"
DAMAGED = ".damaged"
# images last: a partition is there when all its tables have the same version
_WRITE_ORDER = (REJECTED, *(table for table in RAW_TABLES if table not in (REJECTED, "images")),
                "images")  # fmt: skip


class CorruptCopy(UserError):
    """A copy of a raw zone in a bucket cannot be read; it must be fetched again."""


class RawZone:
    """The parquet of all partitions: ``<raw>/<table>/study_period=<key>/data.parquet``.

    Parameters
    ----------
    root
        The raw zone.
    mapping
        The columns.
    writer
        What writes its files.
    """

    def __init__(
        self, root: Path, mapping: AttributeMapping, writer: Writer = LOCAL_WRITER
    ) -> None:
        self.root = root
        self.writer = writer
        self.mapping = mapping

    def path(self, table: str, period: str) -> Path:
        """Where the parquet of one table and partition lies."""
        return self.root / table / f"study_period={period}" / "data.parquet"

    def periods(self) -> list[str]:
        """Keys of the partitions that any table has parquet of, sorted."""
        found = {
            directory.name.removeprefix("study_period=")
            for table in RAW_TABLES
            for directory in (self.root / table).glob("study_period=*")
        }
        return sorted(found - {SCHEMA_PERIOD})

    def version(self, period: str) -> str | None:
        """Version of a partition; None unless every table has it, and the same."""
        versions = {self._footer(table, period).get(VERSION_KEY) for table in RAW_TABLES}
        only = versions.pop() if len(versions) == 1 else None
        return only.decode() if only else None

    def reader_version(self, period: str) -> str | None:
        """What the images of a partition were read by: extractor version and column list."""
        value = self._footer("images", period).get(READER_VERSION_KEY)
        return value.decode() if value else None

    def _footer(self, table: str, period: str) -> dict[bytes, bytes]:
        try:
            return pq.read_metadata(self.path(table, period)).metadata or {}
        except (OSError, pa.ArrowException):
            return {}  # not there, or not parquet: to be written anew

    def read(
        self, table: str, period: str, columns: Sequence[str] | None = None
    ) -> pa.Table | None:
        """Rows of one table and partition; None when they are not there or damaged.

        Raises
        ------
        OSError
            The disk, or the rights of the file, keep it from being read: nobody knows what is in
            it.
        MemoryError
            There is not enough memory for it.
        """
        try:
            # not the dataset reader: it would take the directory's name for a column
            path = self.path(table, period)
            return pq.ParquetFile(path, page_checksum_verification=True).read(columns)
        except FileNotFoundError:
            return None
        except (OSError, pa.ArrowException) as error:
            if not indicates_corruption(error):
                raise
            return None

    def whole(self, period: str) -> Tables | None:
        """All tables of a partition with today's columns; None when one is not readable."""
        tables = {}
        for name in RAW_TABLES:
            table = self.read(name, period)
            schema = table_schema(self.mapping, name)
            if table is None and name == IDENTITY_TERMS:
                table = schema.empty_table()  # older than this table, or made again from the others
            if table is None:
                return None
            tables[name] = _aligned(table, schema)
        return tables

    def is_corrupt(self, period: str) -> bool:
        """Whether parquet of a partition is there and cannot be read to its end."""
        return any(
            self.path(table, period).exists() and self.read(table, period) is None
            for table in RAW_TABLES
        )

    def quarantine(self, period: str) -> None:
        """Take a partition with damaged parquet out of the way, so that it is read anew.

        All its tables are kept: together they may have the only rows of files that are gone. The
        terms alone are made again from the others. Of a zone in a bucket this is a copy: what is
        damaged goes, and is fetched again.
        """
        there = [table for table in RAW_TABLES if self.path(table, period).exists()]
        damaged = [table for table in there if self.read(table, period) is None]
        if self.writer is not LOCAL_WRITER:
            for table in damaged:
                self.path(table, period).unlink()
            return
        for table in damaged if damaged == [IDENTITY_TERMS] else there:
            path = self.path(table, period)
            path.replace(_unused(path.with_name(f"{path.name}{DAMAGED}")))

    def nothing(self) -> Tables:
        """All tables without a row."""
        return {name: table_schema(self.mapping, name).empty_table() for name in RAW_TABLES}

    def write(self, period: str, tables: Tables, *, version: str, reader_version: str) -> int:
        """Replace a partition. Returns the bytes written."""
        written = 0

        def encoded(table: str) -> tuple[Path, Data]:
            nonlocal written
            rows = tables[table]
            versions = pa.repeat(pa.scalar(version, pa.string()), rows.num_rows)
            rows = rows.append_column("raw_version", versions)
            metadata = {VERSION_KEY: version.encode(), READER_VERSION_KEY: reader_version.encode()}
            data = _parquet(rows.replace_schema_metadata(metadata))
            written += len(data)
            return self.path(table, period), data

        *others, last = _WRITE_ORDER
        self.writer.write_all(map(encoded, others))
        self.writer.write(*encoded(last))
        return written

    def remove(self, periods: Iterable[str]) -> None:
        """Remove partitions whose last file is gone."""
        for period in periods:
            for table in RAW_TABLES:
                self.writer.remove(self.path(table, period).parent)

    def write_schemas(self) -> None:
        """Write a partition without rows, so that a table without files has its columns too."""
        ensure_private_directory(self.root)
        for table in RAW_TABLES:
            schema = table_schema(self.mapping, table).append(pa.field("raw_version", pa.string()))
            path = self.path(table, SCHEMA_PERIOD)
            try:
                current = pq.read_schema(path)
            except (OSError, pa.ArrowException):
                current = None
            if current is None or not current.equals(schema):
                self.writer.write(path, _parquet(schema.empty_table()))


def indicates_corruption(error: Exception) -> bool:
    """Whether an error of Arrow's is about bytes that are no parquet, not about reaching them."""
    if isinstance(error, MemoryError):  # Arrow's own is one, too
        return False
    return not (isinstance(error, OSError) and error.errno)


def _unused(path: Path) -> Path:
    """The path, or with a number behind it, whichever nothing lies at."""
    numbered = (path.with_name(f"{path.name}.{number}") for number in count(2))
    return next(name for name in chain([path], numbered) if not name.exists())


def _parquet(rows: pa.Table) -> Data:
    sink = pa.BufferOutputStream()
    # another codec would save a tenth of the bytes, and cost twice the time on small partitions
    pq.write_table(rows, sink, compression="snappy", use_dictionary=True, write_page_checksum=True)
    return memoryview(sink.getvalue())


def _aligned(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A stored table with today's columns: new ones null, old ones dropped."""
    columns = [
        table[f.name] if f.name in table.column_names else pa.nulls(table.num_rows, f.type)
        for f in schema
    ]
    return pa.table(columns, schema=schema)
