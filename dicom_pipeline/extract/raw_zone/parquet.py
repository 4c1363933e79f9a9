"""Raw parquet: one file per table and partition, replaced atomically.

Belongs here: paths, footers, reading and atomic replacement of raw parquet.
Does not belong here: meaning of the rows (tables), manifests (landing).
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
CORRUPT_SUFFIX = ".damaged"
# images last: a partition is complete when all its tables have the same version
_WRITE_ORDER = (REJECTED, *(table for table in RAW_TABLES if table not in (REJECTED, "images")),
                "images")  # fmt: skip


class CorruptCopy(UserError):
    """The local copy of a raw zone in a bucket is corrupt and must be fetched again."""


class RawZone:
    """The parquet of all partitions: ``<raw>/<table>/study_period=<key>/data.parquet``.

    Parameters
    ----------
    root
        Directory of the raw zone.
    mapping
        The columns.
    writer
        Writer of the files: local, or through to a bucket.
    """

    def __init__(
        self, root: Path, mapping: AttributeMapping, writer: Writer = LOCAL_WRITER
    ) -> None:
        self.root = root
        self.writer = writer
        self.mapping = mapping

    def path(self, table: str, period: str) -> Path:
        """Return the path of the parquet file of one table and partition."""
        return self.root / table / f"study_period={period}" / "data.parquet"

    def periods(self) -> list[str]:
        """Return the sorted keys of all partitions with parquet of at least one table."""
        found = {
            directory.name.removeprefix("study_period=")
            for table in RAW_TABLES
            for directory in (self.root / table).glob("study_period=*")
        }
        return sorted(found - {SCHEMA_PERIOD})

    def version(self, period: str) -> str | None:
        """Return the version of a partition; None if the versions of its tables differ."""
        versions = {self._footer(table, period).get(VERSION_KEY) for table in RAW_TABLES}
        only = versions.pop() if len(versions) == 1 else None
        return only.decode() if only else None

    def reader_version(self, period: str) -> str | None:
        """Return extractor version and column lists that the images of a partition were read by."""
        value = self._footer("images", period).get(READER_VERSION_KEY)
        return value.decode() if value else None

    def _footer(self, table: str, period: str) -> dict[bytes, bytes]:
        try:
            return pq.read_metadata(self.path(table, period)).metadata or {}
        except (OSError, pa.ArrowException):
            return {}  # missing or not parquet: the partition will be written again

    def read(
        self, table: str, period: str, columns: Sequence[str] | None = None
    ) -> pa.Table | None:
        """Return the rows of one table and partition; None if the file is missing or corrupt.

        Raises
        ------
        OSError
            The file cannot be read because of its permissions or a disk error; it may be valid.
        MemoryError
            There is not enough memory for the rows.
        """
        try:
            # not the dataset reader: it would add the directory's name as a column
            path = self.path(table, period)
            return pq.ParquetFile(path, page_checksum_verification=True).read(columns)
        except FileNotFoundError:
            return None
        except (OSError, pa.ArrowException) as error:
            if not indicates_corruption(error):
                raise
            return None

    def read_all(self, period: str) -> Tables | None:
        """Return all tables of a partition with the current columns; None if one is unreadable."""
        tables = {}
        for name in RAW_TABLES:
            table = self.read(name, period)
            schema = table_schema(self.mapping, name)
            if table is None and name == IDENTITY_TERMS:
                table = schema.empty_table()  # older than this table; it follows from the others
            if table is None:
                return None
            tables[name] = _aligned(table, schema)
        return tables

    def is_corrupt(self, period: str) -> bool:
        """Return whether an existing parquet file of a partition cannot be read completely."""
        return any(
            self.path(table, period).exists() and self.read(table, period) is None
            for table in RAW_TABLES
        )

    def quarantine(self, period: str) -> None:
        """Rename the files of a partition with corrupt parquet, so that it is read again.

        All its tables are renamed and kept: they may have the only rows of deleted files. If only
        the identity terms are corrupt, only they are renamed; they follow from the other tables.
        In the local copy of a bucket, corrupt files are deleted instead and fetched again.
        """
        existing = [table for table in RAW_TABLES if self.path(table, period).exists()]
        corrupt = [table for table in existing if self.read(table, period) is None]
        if self.writer is not LOCAL_WRITER:
            for table in corrupt:
                self.path(table, period).unlink()
            return
        for table in corrupt if corrupt == [IDENTITY_TERMS] else existing:
            path = self.path(table, period)
            path.replace(_unused_path(path.with_name(f"{path.name}{CORRUPT_SUFFIX}")))

    def empty_tables(self) -> Tables:
        """Return all tables without rows."""
        return {name: table_schema(self.mapping, name).empty_table() for name in RAW_TABLES}

    def write(self, period: str, tables: Tables, *, version: str, reader_version: str) -> int:
        """Replace a partition; return the number of bytes written."""
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
        """Remove all tables of partitions."""
        for period in periods:
            for table in RAW_TABLES:
                self.writer.remove(self.path(table, period).parent)

    def write_schemas(self) -> None:
        """Write a partition without rows, so that tables without files still have columns."""
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
    """Return whether an error of Arrow is about invalid content, not about access to the file."""
    if isinstance(error, MemoryError):  # pyarrow.ArrowMemoryError included
        return False
    return not (isinstance(error, OSError) and error.errno)


def _unused_path(path: Path) -> Path:
    """Return the path, or the path with the first number appended that does not exist."""
    numbered = (path.with_name(f"{path.name}.{number}") for number in count(2))
    return next(name for name in chain([path], numbered) if not name.exists())


def _parquet(rows: pa.Table) -> Data:
    sink = pa.BufferOutputStream()
    # other codecs save a tenth of the bytes, but take twice the time on small partitions
    pq.write_table(rows, sink, compression="snappy", use_dictionary=True, write_page_checksum=True)
    return memoryview(sink.getvalue())


def _aligned(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a stored table with the current columns: new ones are null, old ones are dropped."""
    columns = [
        table[f.name] if f.name in table.column_names else pa.nulls(table.num_rows, f.type)
        for f in schema
    ]
    return pa.table(columns, schema=schema)
