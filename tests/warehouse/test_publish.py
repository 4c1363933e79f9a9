"""The published file is replaced as a whole while other processes have it open."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dicom_pipeline.warehouse.data_dictionary import Comments, Origin, RunInfo
from dicom_pipeline.warehouse.duckdb.connection import in_memory
from dicom_pipeline.warehouse.duckdb.publish import PublishRefused, PublishReport
from dicom_pipeline.warehouse.duckdb.publish import publish as publish_with

COMMENTS = Comments(
    tables={"processed_images": "One row per image.", "heights": "How high images are."},
    columns={
        "processed_images": {"image_key": "Key.", "rows": "Rows (0028,0010)."},
        "heights": {"rows": "A height."},
    },
    origins={
        "processed_images": {"rows": Origin("Rows", "(0028,0010)", "US", "keep_number", "kept")}
    },
)
INFO = RunInfo("2026-01-02T03:04:05+00:00", "research", {"duckdb": "0"}, {"found": 3})
OWN = ("data_dictionary", "run_info")


def publish(build: Path, database: Path, comments: Comments = COMMENTS) -> PublishReport:
    return publish_with(build, database, comments, INFO)


def build(
    path: Path, *numbers: int, columns: str = "image_key varchar, rows bigint", view: str = ""
) -> Path:
    """A build database with processed_images, and a stage schema that must not be published."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema processed; create schema stage")
        connection.execute(f"create table processed.processed_images ({columns})")
        for number in numbers:
            connection.execute(
                "insert into processed.processed_images (image_key, rows) values (?, ?)",
                [f"key-{number}", number],
            )
        connection.execute("create table stage.staged_images as select 'SECRET-STAGE' as name")
        if view:
            connection.execute(f"create view processed.heights as {view}")
    return path


def rows(database: Path) -> list[int]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return [
            number
            for (number,) in connection.execute(
                "select rows from processed.processed_images order by 1"
            ).fetchall()
        ]


CLIENT = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reader")
if sys.argv[2] == "writer":
    connection.execute("create table mine (n integer)")
    connection.execute("insert into mine values (1)")
print("open", flush=True)
for line in sys.stdin:
    if line.strip() == "write":
        connection.execute("insert into mine values (2)")
    total = connection.execute("select sum(rows) from processed.processed_images").fetchone()[0]
    print(total, flush=True)
"""


class Client:
    """Another process that has the published file open."""

    def __init__(self, database: Path, mode: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(database), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "open"

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def ask(self, word: str = "read") -> int:
        assert self.process.stdin
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return int(self._line())

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(30) == 0


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "dicom.duckdb"


def test_the_published_file_has_only_the_processed_tables_with_their_comments(
    tmp_path: Path, database: Path
) -> None:
    columns = "image_key varchar, rows bigint, period_key varchar, stage_version varchar"
    report = publish(build(tmp_path / "build.duckdb", 1, 2, columns=columns), database)
    assert report.rows == {"processed_images": 2}
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(
            "select schema_name, table_name, comment from duckdb_tables()"
            " where table_name not in ('data_dictionary', 'run_info')"
        ).fetchall()
        assert found == [("processed", "processed_images", "One row per image.")]
        own = connection.execute(
            "select table_name from duckdb_tables() where comment is not null except"
            " select 'processed_images' order by 1"
        ).fetchall()
        assert own == [(table,) for table in OWN]
        assert connection.execute(
            "select column_name, comment from duckdb_columns()"
            " where table_name = 'processed_images'"
        ).fetchall() == [("image_key", "Key."), ("rows", "Rows (0028,0010).")]
    assert b"SECRET-STAGE" not in database.read_bytes()


def test_the_published_file_is_readable_by_all_and_writable_by_none(
    tmp_path: Path, database: Path
) -> None:
    publish(build(tmp_path / "build.duckdb", 1), database)
    assert stat.S_IMODE(database.stat().st_mode) == 0o444


def test_older_duckdb_clients_can_open_the_published_file(tmp_path: Path, database: Path) -> None:
    publish(build(tmp_path / "build.duckdb", 1), database)
    # the main header: checksum, magic, and the storage version; 64 is that of DuckDB 1.0
    header = database.read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 64


def test_a_reader_keeps_the_old_file_and_the_next_connection_sees_the_new_one(
    tmp_path: Path, database: Path
) -> None:
    publish(build(tmp_path / "build.duckdb", 1, 2), database)
    reader = Client(database, "reader")
    assert reader.ask() == 3
    publish(build(tmp_path / "build.duckdb", 10, 20), database)
    assert reader.ask() == 3
    assert rows(database) == [10, 20]
    reader.close()
    assert rows(database) == [10, 20]


def test_what_a_client_wrote_into_the_old_file_is_not_in_the_new_one(
    tmp_path: Path, database: Path
) -> None:
    publish(build(tmp_path / "build.duckdb", 1, 2), database)
    database.chmod(0o644)  # a client makes the file writable
    writer = Client(database, "writer")
    assert database.with_name("dicom.duckdb.wal").exists()
    publish(build(tmp_path / "build.duckdb", 10, 20), database)
    assert rows(database) == [10, 20]
    assert writer.ask("write") == 3  # the client continues with the old file
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
    assert {table for (table,) in tables} == {"processed_images", *OWN}
    writer.close()
    assert rows(database) == [10, 20]
    assert database.stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("mode", ["reader", "writer"])
def test_a_client_killed_with_the_old_file_open_leaves_nothing_behind(
    tmp_path: Path, database: Path, mode: str
) -> None:
    publish(build(tmp_path / "build.duckdb", 1), database)
    database.chmod(0o644)
    client = Client(database, mode)
    client.process.kill()
    client.process.wait()
    publish(build(tmp_path / "build.duckdb", 7), database)
    assert rows(database) == [7]
    assert sorted(os.listdir(tmp_path)) == ["build.duckdb", "dicom.duckdb"]


def test_a_column_without_description_is_refused_and_the_old_file_is_kept(
    tmp_path: Path, database: Path
) -> None:
    publish(build(tmp_path / "build.duckdb", 1), database)
    columns = "image_key varchar, rows bigint, patient_name varchar"
    with pytest.raises(PublishRefused, match="patient_name"):
        publish(build(tmp_path / "build.duckdb", 2, columns=columns), database)
    assert rows(database) == [1]
    assert not list(tmp_path.glob(".dicom*"))


def test_a_build_without_processed_tables_is_refused(tmp_path: Path, database: Path) -> None:
    path = tmp_path / "build.duckdb"
    duckdb.connect(str(path)).close()
    with pytest.raises(PublishRefused, match="no processed tables"):
        publish(path, database)
    assert not database.exists()


def test_views_are_published_and_read_the_published_tables(tmp_path: Path, database: Path) -> None:
    view = "select rows from processed.processed_images where rows > 1"
    publish(build(tmp_path / "build.duckdb", 1, 2, view=view), database)
    (tmp_path / "build.duckdb").unlink()
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute("from processed.heights").fetchall() == [(2,)]
        assert connection.execute(
            "select view_name, comment from duckdb_views() where not internal"
        ).fetchall() == [("heights", "How high images are.")]
        assert connection.execute(
            "select column_name, comment from duckdb_columns() where table_name = 'heights'"
        ).fetchall() == [("rows", "A height.")]


@pytest.mark.parametrize(
    "view",
    [
        "select length(name) as rows from stage.staged_images",
        "select length(name) as rows from build.stage.staged_images",
        "select stage_version as rows from processed.processed_images",
    ],
)
def test_a_view_of_unpublished_data_is_refused(tmp_path: Path, database: Path, view: str) -> None:
    publish(build(tmp_path / "build.duckdb", 1), database)
    columns = "image_key varchar, rows bigint, stage_version varchar"
    with pytest.raises(PublishRefused, match="heights"):
        publish(build(tmp_path / "build.duckdb", 2, columns=columns, view=view), database)
    assert rows(database) == [1]


def test_a_view_without_description_is_refused(tmp_path: Path, database: Path) -> None:
    view = "select rows, image_key as patient_name from processed.processed_images"
    with pytest.raises(PublishRefused, match="patient_name"):
        publish(build(tmp_path / "build.duckdb", 2, view=view), database)
    assert not database.exists()


def test_the_data_dictionary_has_a_row_for_every_published_column(
    tmp_path: Path, database: Path
) -> None:
    view = "select rows from processed.processed_images"
    publish(build(tmp_path / "build.duckdb", 1, view=view), database)
    with duckdb.connect(str(database), read_only=True) as connection:
        assert (
            connection.execute(
                "select table_name, column_name, data_type, description"
                " from processed.data_dictionary order by all"
            ).fetchall()
            == connection.execute(
                "select table_name, column_name, data_type, comment from duckdb_columns()"
                " where schema_name = 'processed' order by all"
            ).fetchall()
        )
        assert connection.execute(
            "select attribute, tag, vr, deidentification from processed.data_dictionary"
            " where table_name = 'processed_images' order by column_name"
        ).fetchall() == [(None,) * 4, ("Rows", "(0028,0010)", "US", "kept")]


def test_run_info_describes_how_the_published_file_was_made(tmp_path: Path, database: Path) -> None:
    publish(build(tmp_path / "build.duckdb", 1, 2), database)
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute("from processed.run_info").fetchall() == [
            ("run", "published_at", "2026-01-02T03:04:05+00:00", None),
            ("run", "profile", "research", None),
            ("version", "duckdb", "0", None),
            ("files", "found", "3", 3),
            ("rows", "processed_images", "2", 2),
        ]


def test_temporary_files_of_a_killed_publication_are_deleted(
    tmp_path: Path, database: Path
) -> None:
    left = tmp_path / ".dicom.duckdb.123.tmp"
    left.write_bytes(b"half")
    publish(build(tmp_path / "build.duckdb", 1), database)
    assert not left.exists()


@pytest.mark.parametrize(
    "fault",
    [
        "update {} set rows = rows + 1 where rows = 2",
        "delete from {} where rows = 2",
        "insert into {} select * from {} where rows = 2",
        "update {} set rows = 1 where rows = 2",
        "update {} set rows = null where rows = 2",
    ],
)
def test_a_copy_that_differs_from_the_build_is_not_published(
    tmp_path: Path, database: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(build(tmp_path / "build.duckdb", 1), database)

    class Faulty:
        """A connection that writes other rows than those it reads."""

        def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
            self.connection = connection

        def execute(self, statement: str, *arguments: Any) -> Any:
            result = self.connection.execute(statement, *arguments)
            if created := re.match("create table (\\S+) as select", statement):
                self.connection.execute(fault.replace("{}", created[1]))
            return result

    @contextmanager
    def faulty(warehouse_dir: Path) -> Iterator[Faulty]:
        with in_memory(warehouse_dir) as connection:
            yield Faulty(connection)

    monkeypatch.setattr("dicom_pipeline.warehouse.duckdb.publish.in_memory", faulty)
    with pytest.raises(PublishRefused, match="differs from the build"):
        publish(build(tmp_path / "build.duckdb", 1, 2, 3), database)
    assert rows(database) == [1]
