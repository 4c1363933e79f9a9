"""Only one writer at a time; the lock of a dead process is released."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

from dicom_pipeline.common.locks import LockUnavailable, writer_lock
from dicom_pipeline.warehouse.duckdb.build_database import wait_until_free
from dicom_pipeline.warehouse.duckdb.corruption import is_corrupt

HOLDER = """
import sys, time
from pathlib import Path
from dicom_pipeline.common.locks import writer_lock
with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_writer_fails_or_waits(tmp_path: Path) -> None:
    with writer_lock(tmp_path), pytest.raises(LockUnavailable), writer_lock(tmp_path, wait=False):
        pass
    with writer_lock(tmp_path, wait=False):
        pass


def test_the_lock_of_a_killed_process_is_released_at_once(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdout.readline().strip() == "held"
    with pytest.raises(LockUnavailable), writer_lock(tmp_path, wait=False):
        pass
    holder.kill()
    holder.wait()
    messages: list[str] = []
    with writer_lock(tmp_path, waiting=messages.append):
        pass


def test_a_locked_build_database_is_waited_for_and_then_reported(tmp_path: Path) -> None:
    database = tmp_path / "build.duckdb"
    script = """import duckdb, sys, time
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(600)"""
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(database)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    holder.stdout.readline()
    with pytest.raises(LockUnavailable, match=r"build\.duckdb is held by another process"):
        wait_until_free(database, seconds=0)
    holder.kill()
    holder.wait()
    began = time.monotonic()
    wait_until_free(database, seconds=10)
    assert time.monotonic() - began < 5
    duckdb.connect(str(database)).close()


def test_a_corrupt_build_database_is_not_reported_as_locked(tmp_path: Path) -> None:
    database = tmp_path / "build.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create table t as select range n, hash(range) h from range(99999)")
    data = database.read_bytes()
    third = len(data) // 3
    wait_until_free(database, seconds=0)
    assert database.exists() and not is_corrupt(database)
    # the message of DuckDB for the last one contains "block", which contains "lock"
    for corrupt in (
        data[: len(data) // 10],
        data[: len(data) // 2],
        b"\xa5" * len(data),
        data[:third] + b"\xa5" * third + data[2 * third :],
    ):
        database.write_bytes(corrupt)
        wait_until_free(database, seconds=0)
        assert not database.exists() or is_corrupt(database)


def test_a_waiting_writer_says_at_once_why_it_waits(tmp_path: Path) -> None:
    messages: list[str] = []

    def wait() -> None:
        with writer_lock(tmp_path, waiting=messages.append):
            messages.append("locked")

    with writer_lock(tmp_path):
        waiter = threading.Thread(target=wait)
        waiter.start()
        deadline = time.monotonic() + 20
        while not messages and time.monotonic() < deadline:
            time.sleep(0.05)
        assert messages == ["another run is writing: waiting for it to end"]
    waiter.join()
    assert messages[1:] == ["locked"]
