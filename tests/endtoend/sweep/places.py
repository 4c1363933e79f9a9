"""Everything that a run writes, as bytes: files and their unpacked content.

Databases are read as bytes and, because they compress text, also row by row. Compressed data and
base64 are decoded. An unknown compression format is an error.

Belongs here: reading and unpacking bytes.
Does not belong here: the search in them (needles, search).
"""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import io
import lzma
import os
import re
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_UNKNOWN = (b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"7z\xbc\xaf", b"Rar!")  # zstd, lz4, 7z, rar
_UNPACKERS = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\x00": lzma.decompress,
    b"\x78\x01": zlib.decompress,
    b"\x78\x5e": zlib.decompress,
    b"\x78\x9c": zlib.decompress,
    b"\x78\xda": zlib.decompress,
}


@dataclass(frozen=True)
class Piece:
    """Bytes with their origin: a file, or data unpacked from it."""

    kind: str  # file, rows, unpacked
    path: str
    content: bytes


def pieces_under(root: Path) -> Iterator[Piece]:
    """Yield all files under a folder, or one file, and their unpacked content."""
    for path in files_under(root):
        if path.is_symlink():
            yield Piece("file", f"{path} -> {os.readlink(path)}", b"")
        elif path.is_file():
            content = path.read_bytes()
            yield Piece("file", str(path), content)
            yield from _inside(path, content)
        else:  # an empty folder, a socket
            yield Piece("file", str(path), b"")


def files_under(root: Path) -> Iterator[Path]:
    """Yield files and empty folders in sorted order."""
    if not root.is_dir() or root.is_symlink():
        yield root
        return
    for folder, folders, names in os.walk(root):
        folders.sort()
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in sorted([*names, *links]):
            yield Path(folder) / name
        if not names and not folders:
            yield Path(folder)


def _inside(path: Path, content: bytes) -> Iterator[Piece]:
    if content[8:12] == b"DUCK":
        for table, rows in duckdb_tables(path).items():
            yield Piece("rows", f"{path}:{table}", rows)
    elif content.startswith(b"SQLite format 3\0"):
        for table, rows in sqlite_tables(path).items():
            yield Piece("rows", f"{path}:{table}", rows)
            yield from unpacked(f"{path}:{table}", rows)
    elif content.startswith(b"PAR1"):
        query = "select columns(*)::varchar from read_parquet(?)"
        with duckdb.connect() as connection:
            rows = _joined(connection.execute(query, [str(path)]).fetchall())
        yield Piece("rows", f"{path}:parquet", rows)
    else:
        yield from unpacked(str(path), content)


def unpacked(name: str, content: bytes, depth: int = 0) -> Iterator[Piece]:
    """Yield decompressed and decoded data recursively."""
    assert not content.startswith(_UNKNOWN), f"{name} is compressed in a way that is not known here"
    if depth > 3:
        return
    for magic, unpack in _UNPACKERS.items():
        if content.startswith(magic):
            try:
                inner = unpack(content)
            except (OSError, EOFError, zlib.error, lzma.LZMAError):
                continue  # only the first bytes match the format
            yield Piece("unpacked", f"{name}:unpacked", inner)
            yield from unpacked(f"{name}:unpacked", inner, depth + 1)
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                inner = archive.read(member)
                yield Piece("unpacked", f"{name}:{member}", inner)
                yield from unpacked(f"{name}:{member}", inner, depth + 1)
    decoded = list(_decoded(content))
    if decoded:
        yield Piece("unpacked", f"{name}:base64", b"\n".join(decoded))
    for inner in decoded:
        if inner.startswith(tuple(_UNPACKERS)):
            yield from unpacked(f"{name}:base64", inner, depth + 1)


def _decoded(content: bytes) -> Iterator[bytes]:
    for match in _BASE64.finditer(content):
        text = match[0].translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
        text = text[: len(text) - (len(text) % 4 == 1)]
        try:
            yield base64.b64decode(text + b"=" * (-len(text) % 4))
        except binascii.Error:
            continue


def duckdb_tables(path: Path) -> dict[str, bytes]:
    """Return the rows of each table as text, and the catalog: names, comments, SQL of views."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as swept (read_only)")
        catalog = [
            connection.execute(f"select columns(*)::varchar from {function}()").fetchall()
            for function in ("duckdb_tables", "duckdb_columns", "duckdb_views", "duckdb_schemas")
        ]
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'swept'"
        ).fetchall()
        found = {"catalog": b"\n".join(map(_joined, catalog))}
        for schema, table in sorted(tables):
            query = f'select columns(*)::varchar from swept."{schema}"."{table}"'
            found[f"{schema}.{table}"] = _joined(connection.execute(query).fetchall())
    return found


def sqlite_tables(path: Path) -> dict[str, bytes]:
    """Return the rows of each table, read from a copy: SQLite writes files beside a database."""
    with tempfile.TemporaryDirectory() as folder:
        for name in path.parent.glob(f"{path.name}*"):
            shutil.copy(name, folder)
        with closing(sqlite3.connect(Path(folder) / path.name)) as connection:
            names = connection.execute("select name from sqlite_master where type = 'table'")
            return {
                name: _joined(connection.execute(f'select * from "{name}"').fetchall())
                for (name,) in names.fetchall()
            }


def _joined(rows: list[tuple[object, ...]]) -> bytes:
    return b"\n".join(
        value if isinstance(value, bytes) else str(value).encode(errors="replace")
        for row in rows
        for value in row
        if value is not None
    )


def days_in(path: Path) -> tuple[set[date], int]:
    """Return every day in date and timestamp columns of a DuckDB file, and their number."""
    days: set[date] = set()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as swept (read_only)")
        columns = connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns()"
            " where database_name = 'swept' and regexp_matches(data_type, 'DATE|TIMESTAMP')"
        ).fetchall()
        for schema, table, column, type_ in columns:
            value = f'unnest("{column}")' if type_.endswith("[]") else f'"{column}"'
            rows = connection.execute(
                f'select distinct ({value})::date from swept."{schema}"."{table}"'
            ).fetchall()
            days |= {day for (day,) in rows if day}
    return days, len(columns)
