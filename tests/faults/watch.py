"""A reader of the published file that never rests: it may see the old tables or the new."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import TracebackType

import duckdb

PAUSE = 0.1


class Watch:
    """A thread that opens the published file again and again, and counts its tables.

    The file has the rows of each table in ``run_info``: they are held against the tables, so that
    half a build would be seen. Once the file is there, it has to be there for ever.
    """

    def __init__(self, database: Path) -> None:
        self.database = database
        self.opened = 0
        self.errors: list[str] = []
        self.seen: list[int] = []
        self._there = database.exists()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read_on)

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

    def _read_on(self) -> None:
        while not self._stop.is_set():
            if self._there or self.database.exists():
                self._there = True
                try:
                    self._look()
                except Exception as error:  # whatever a client would be told
                    self.errors.append(f"{type(error).__name__}: {error}")
            time.sleep(PAUSE)

    def _look(self) -> None:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            told = dict(
                connection.execute(
                    "select name, number from processed.run_info where topic = 'rows'"
                ).fetchall()
            )
            there = {
                table: connection.execute(f"select count(*) from processed.{table}").fetchall()
                for table in told
            }
        counted = {table: rows[0][0] for table, rows in there.items()}
        assert len(told) >= 5
        assert counted == told
        self.opened += 1
        if self.seen[-1:] != [told["processed_images"]]:
            self.seen.append(told["processed_images"])
