"""Readers that open the published file repeatedly, as dashboards do.

Belongs here: queries, and counts of errors and inconsistent answers.
Does not belong here: changes of the file.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from contextlib import AbstractContextManager
from multiprocessing.synchronize import Event
from pathlib import Path
from types import TracebackType

import duckdb

PAUSE = 0.1
# numbers that must agree within one publication: table contents and run_info
_QUESTIONS = (
    "select count(*) from processed.processed_images",
    "select sum(image_count) from processed.processed_series",
    "select number from processed.run_info where topic = 'rows' and name = 'processed_images'",
)


class Readers(AbstractContextManager["Readers"]):
    """Processes that read until the block ends.

    Attributes
    ----------
    counts
        After the block: ``answers``, ``publications`` seen, and the number of each kind of error.
    """

    def __init__(self, database: Path, number: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._stop = context.Event()
        self._results: multiprocessing.Queue[Counter[str]] = context.Queue()
        self._processes = [
            context.Process(target=_read, args=(database, self._stop, self._results), daemon=True)
            for _ in range(number)
        ]
        self.counts: Counter[str] = Counter()

    def __enter__(self) -> Readers:
        for process in self._processes:
            process.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for _ in self._processes:
            self.counts += self._results.get(timeout=60)
        for process in self._processes:
            process.join(10)

    @property
    def trouble(self) -> dict[str, int]:
        """Return the counts of errors that no reader should see."""
        return {k: n for k, n in self.counts.items() if k not in ("answers", "publications")}


def _read(database: Path, stop: Event, results: multiprocessing.Queue[Counter[str]]) -> None:
    counts: Counter[str] = Counter()
    last, parent = -1, os.getppid()
    while not stop.is_set() and os.getppid() == parent:  # a killed parent cannot set the event
        if last >= 0 or database.exists():
            try:
                with duckdb.connect(str(database), read_only=True) as connection:
                    rows = [connection.execute(question).fetchone() for question in _QUESTIONS]
                images, of_series, recorded = (row[0] if row else None for row in rows)
                counts["answers"] += 1
                if not images == of_series == recorded:
                    counts["inconsistent tables"] += 1
                if images != last:
                    counts["publications"] += 1
                last = images or 0
            except duckdb.Error as error:
                counts[type(error).__name__] += 1
        time.sleep(PAUSE)
    results.put(counts)
