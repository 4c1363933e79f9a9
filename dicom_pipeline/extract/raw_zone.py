"""Where the raw parquet lies: one file a table and partition, written whole or not at all.

Belongs here: paths, footers and atomic replacement of raw parquet.
Does not belong here: what the rows mean (tables), and manifests (landing).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dicom_pipeline.attributes import Mapping
from dicom_pipeline.extract.tables import (
    IDENTITY_TERMS,
    RAW_TABLES,
    REJECTED,
    Tables,
    table_schema,
)
from dicom_pipeline.private_files import LOCAL_WRITER, Data, Writer, ensure_private_directory

VERSION_KEY = b"dicom_pipeline.version"
READ_BY_KEY = b"dicom_pipeline.read_by"
SCHEMA_PERIOD = "__none__"
# images last: a partition is there when all its tables have the same version
_WRITE_ORDER = (REJECTED, *(table for table in RAW_TABLES if table not in (REJECTED, "images")),
                "images")  # fmt: skip


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

    def __init__(self, root: Path, mapping: Mapping, writer: Writer = LOCAL_WRITER) -> None:
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

    def read_by(self, period: str) -> str | None:
        """What the images of a partition were read by: extractor version and column list."""
        value = self._footer("images", period).get(READ_BY_KEY)
        return value.decode() if value else None

    def _footer(self, table: str, period: str) -> dict[bytes, bytes]:
        try:
            return pq.read_metadata(self.path(table, period)).metadata or {}
        except (OSError, pa.ArrowException):
            return {}  # not there, or not parquet: to be written anew

    def read(
        self, table: str, period: str, columns: Sequence[str] | None = None
    ) -> pa.Table | None:
        """Rows of one table and partition; None when they are not there or not readable."""
        try:
            # not the dataset reader: it would take the directory's name for a column
            path = self.path(table, period)
            return pq.ParquetFile(path, page_checksum_verification=True).read(columns)
        except (OSError, pa.ArrowException):
            return None

    def whole(self, period: str) -> Tables | None:
        """All tables of a partition with today's columns; None when one is not readable."""
        tables = {}
        for name in RAW_TABLES:
            table = self.read(name, period)
            schema = table_schema(self.mapping, name)
            if table is None and name == IDENTITY_TERMS:
                table = schema.empty_table()  # older than this table
            if table is None:
                return None
            tables[name] = _aligned(table, schema)
        return tables

    def is_damaged(self, period: str) -> bool:
        """Whether parquet of a partition is there and cannot be read to its end."""
        return any(
            self.path(table, period).exists() and self.read(table, period) is None
            for table in RAW_TABLES
        )

    def set_aside(self, period: str) -> None:
        """Take damaged parquet out of the way, so that its partition is read anew.

        It is kept: it may have the only rows of files that are gone.
        """
        for table in RAW_TABLES:
            path = self.path(table, period)
            if path.exists() and self.read(table, period) is None:
                path.replace(path.with_name(f"{path.name}.damaged"))

    def nothing(self) -> Tables:
        """All tables without a row."""
        return {name: table_schema(self.mapping, name).empty_table() for name in RAW_TABLES}

    def write(self, period: str, tables: Tables, *, version: str, read_by: str) -> int:
        """Replace a partition. Returns the bytes written."""
        written = 0

        def encoded(table: str) -> tuple[Path, Data]:
            nonlocal written
            rows = tables[table]
            versions = pa.repeat(pa.scalar(version, pa.string()), rows.num_rows)
            rows = rows.append_column("raw_version", versions)
            metadata = {VERSION_KEY: version.encode(), READ_BY_KEY: read_by.encode()}
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
