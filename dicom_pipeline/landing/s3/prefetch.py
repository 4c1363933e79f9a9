"""Reading a few files ahead of what is taken, since each answer of a bucket takes its time.

Belongs here: the order and the bound of it. Does not belong here: how anything is read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

PARALLEL = 16

T = TypeVar("T")
R = TypeVar("R")


def prefetch(read: Callable[[T], R | OSError], files: Iterable[T]) -> Iterator[R | OSError]:
    """Results in the order of the files, of which some are read at the same time."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        waiting: deque[Future[R | OSError]] = deque()
        try:
            for file in files:
                waiting.append(pool.submit(read, file))
                if len(waiting) >= 2 * PARALLEL:
                    yield _outcome(waiting.popleft())
            while waiting:
                yield _outcome(waiting.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _outcome(future: Future[R | OSError]) -> R | OSError:
    try:
        return future.result()
    except OSError as error:
        return error
