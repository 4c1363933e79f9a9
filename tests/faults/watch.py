"""Continuous reader of the published file, which must see the old or the new tables."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import TracebackType

import duckdb

PAUSE = 0.1


class Watch:
    """Thread that opens the published file repeatedly and counts the rows of its tables.

    The counts are compared with those in ``run_info``, which detects a partial build. Once the file
    exists, it must never be missing.
    """

    def __init__(self, database: Path) -> None:
        self.database = database
        self.opened = 0
        self.errors: list[str] = []
        self.seen: list[int] = []
        self._there = database.exists()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._there or self.database.exists():
                self._there = True
                try:
                    self._read()
                except Exception as error:  # any error that a client would get
                    self.errors.append(f"{type(error).__name__}: {error}")
            time.sleep(PAUSE)

    def _read(self) -> None:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            recorded = dict(
                connection.execute(
                    "select name, number from processed.run_info where topic = 'rows'"
                ).fetchall()
            )
            counts = {
                table: connection.execute(f"select count(*) from processed.{table}").fetchall()
                for table in recorded
            }
        counted = {table: rows[0][0] for table, rows in counts.items()}
        assert len(recorded) >= 5
        assert counted == recorded
        self.opened += 1
        if self.seen[-1:] != [recorded["processed_images"]]:
            self.seen.append(recorded["processed_images"])
