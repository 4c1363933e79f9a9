"""A file that makes a worker die, hang or raise is rejected; no other file is affected."""

import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pebble.pool.process
import pytest

from dicom_pipeline.extract import pool
from dicom_pipeline.extract.pool import read_headers
from dicom_pipeline.extract.tables import REJECTED, Tables
from dicom_pipeline.landing.directory import DirectoryStorage
from dicom_pipeline.landing.storage import FileVersion
from dicom_pipeline.mapping.attribute_mapping import MAPPING_CSV
from tests.support.dicom import instance
from tests.support.hostile import HostilePlan


def outcomes(parts: list[Tables]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in parts:
        rejected = part[REJECTED].to_pylist()
        rows = [(row["file_path"], row["reason"]) for row in rejected]
        rows += [(path, "row") for path in part["images"]["file_path"].to_pylist()]
        for path, outcome in rows:
            assert path not in found
            found[path] = outcome
    return found


def run(landing: Path, *, workers: int = 1, seconds_per_file: float = 30.0) -> list[Tables]:
    files = DirectoryStorage(landing).list_landing().files
    plan = HostilePlan(landing, landing / "raw", MAPPING_CSV)
    return list(read_headers(files, plan, workers=workers, seconds_per_file=seconds_per_file))


def test_a_hostile_file_affects_no_other_file(tmp_path: Path) -> None:
    expected = {
        "KILL": "worker_crashed", "EXIT": "worker_crashed", "MEMORY": "worker_crashed",
        "GREEDY": "worker_crashed",
        "RAISE": "decode_error", "SURROGATE": "decode_error", "HANG": "timeout",
    }  # fmt: skip
    for order in expected:
        (tmp_path / order).write_bytes(order.encode() + b" " + b"x" * 200)
    for n in range(12):
        (tmp_path / f"good{n}").write_bytes(instance(n))
        expected[f"good{n}"] = "row"
    parts = run(tmp_path, workers=2, seconds_per_file=1.0)
    assert outcomes(parts) == expected
    assert all("patient" not in str(part[REJECTED].to_pylist()) for part in parts)


def test_rows_read_before_a_chunk_failed_are_not_in_the_next_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "LARGEST_CHUNK", 4)
    names = [f"{n:02}" for n in range(8)]
    for n, name in enumerate(names):
        (tmp_path / name).write_bytes(b"MEMORY " if name == "03" else instance(n))
    files = sorted(DirectoryStorage(tmp_path).list_landing().files)
    some = list(
        read_headers(files, HostilePlan(tmp_path, tmp_path / "raw", MAPPING_CSV), workers=1)
    )
    expected = dict.fromkeys(names, "row") | {"03": "worker_crashed"}
    assert outcomes(some) == expected


def test_no_file_is_lost_when_a_worker_is_killed_from_outside(tmp_path: Path) -> None:
    for n in range(40):
        (tmp_path / f"{n:02}").write_bytes(f"SLOW 1.2.3.{n:02}".encode())
    killed = []
    reading = threading.Event()

    def kill() -> None:
        if reading.wait(60):  # after the first chunk, not while the worker starts
            (child,) = multiprocessing.active_children()
            child.kill()
            killed.append(child.pid)

    thread = threading.Thread(target=kill)
    thread.start()
    files = DirectoryStorage(tmp_path).list_landing().files
    plan = HostilePlan(tmp_path, tmp_path / "raw", MAPPING_CSV)
    chunks = []
    for chunk in read_headers(files, plan, workers=1):
        reading.set()
        chunks.append(chunk)
    found = outcomes(chunks)
    thread.join()
    assert killed
    assert found == {f"{n:02}": "row" for n in range(40)}


def test_closing_the_results_does_not_wait_for_the_remaining_work(tmp_path: Path) -> None:
    for n in range(7):  # so few that each chunk has one file
        (tmp_path / f"b{n}").write_bytes(b"HANG")
    (tmp_path / "a").write_bytes(instance(1))
    files = sorted(DirectoryStorage(tmp_path).list_landing().files, key=lambda file: file.path)
    chunks = read_headers(files, HostilePlan(tmp_path, tmp_path / "raw", MAPPING_CSV), workers=2)
    began = time.monotonic()
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 20


def test_files_are_fetched_only_when_a_worker_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "LARGEST_CHUNK", 2)
    monkeypatch.setattr(pool, "QUEUED_PER_WORKER", 2)
    for n in range(40):
        (tmp_path / str(n)).write_bytes(instance(n))
    taken: list[FileVersion] = []

    def files() -> Iterator[FileVersion]:
        for file in DirectoryStorage(tmp_path).list_landing().files:
            taken.append(file)
            yield file

    parts = read_headers(files(), HostilePlan(tmp_path, tmp_path / "raw", MAPPING_CSV), workers=1)
    first = next(parts)
    assert len(taken) < 20
    assert len(outcomes([first, *parts])) == len(taken) == 40


MAIN = """
import sys
from pathlib import Path
import tests.support.hostile as hostile
from dicom_pipeline.extract.pool import read_headers
from dicom_pipeline.mapping.attribute_mapping import MAPPING_CSV
from dicom_pipeline.landing.storage import FileVersion
import http.server  # represents a main module with expensive imports
if True:  # no main guard, as in a notebook or a third-party console script
    plan = hostile.HostilePlan(Path(sys.argv[1]), Path(sys.argv[2]), MAPPING_CSV)
    for tables in read_headers([FileVersion("m", 8)], plan, workers=1):
        print(tables["images"]["key_sop"].to_pylist()[0])
"""


def test_workers_import_neither_the_main_module_nor_unused_modules(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"MODULES ")
    (tmp_path / "main.py").write_text(MAIN)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, str(tmp_path / "main.py"), str(tmp_path), str(tmp_path / "raw")],
        env={"PYTHONPATH": str(root)}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    modules = set(done.stdout.split())
    assert "pydicom" in modules
    assert not modules & {"http.server", "dagster", "pandas", "duckdb", "dbt"}


@pytest.mark.parametrize("count", [0, 1])
def test_there_are_no_more_processes_than_files(tmp_path: Path, count: int) -> None:
    for n in range(count):
        (tmp_path / str(n)).write_bytes(instance(n))
    assert len(run(tmp_path, workers=8)) == count


def test_a_worker_that_still_starts_when_the_pool_stops_prints_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    plan = HostilePlan(tmp_path, tmp_path / "raw", MAPPING_CSV)
    stop_process = pebble.pool.process.stop_process

    def stop_late(process: SpawnProcess) -> None:  # as on a busy machine
        time.sleep(1)
        stop_process(process)

    monkeypatch.setattr(pebble.pool.process, "stop_process", stop_late)
    with suppress(KeyboardInterrupt), pool._pool(plan, 2) as workers:
        workers.schedule(pool._read_chunk, args=([],))
        raise KeyboardInterrupt
    assert capfd.readouterr().err == ""
