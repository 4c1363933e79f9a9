"""A process pool that runs its jobs in this process.

Belongs here: what unit tests of extraction use in place of worker processes, whose start costs
seconds. Tests of the pool itself (tests/extract/test_pool.py, test_attacks.py) use processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any
from unittest import mock

from dicom_pipeline.extract import pool
from dicom_pipeline.extract.worker import Worker, WorkerPlan


class InlinePool:
    """Has the methods of `pebble.ProcessPool` that the pool of workers uses."""

    def __init__(self, *, initargs: tuple[WorkerPlan], **options: Any) -> None:
        self._worker: Worker | None = None
        self._plan = initargs[0]

    def __enter__(self) -> InlinePool:
        return self

    def __exit__(self, *error: object) -> None:
        """There is no process to wait for."""

    def schedule(
        self, job: Callable[..., Any], args: tuple[Any, ...], timeout: float
    ) -> Future[Any]:
        """Run a job; its result or its error is in the future, as from another process."""
        if self._worker is None:  # as in a worker process: made with the first job
            self._worker = Worker(self._plan)
        future: Future[Any] = Future()
        with mock.patch.object(pool, "_worker", self._worker, create=True):
            try:
                future.set_result(job(*args))
            except Exception as error:
                future.set_exception(error)
        return future

    def stop(self) -> None:
        """There is no process to stop."""


@contextmanager
def inline_pool() -> Iterator[None]:
    """Run the jobs of worker processes in this process."""
    with mock.patch.object(pool, "ProcessPool", InlinePool):
        yield
