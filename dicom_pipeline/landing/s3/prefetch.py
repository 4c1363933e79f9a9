"""Prefetch of results, because each request to a bucket has latency.

Belongs here: the order and the limit of the prefetch.
Does not belong here: the requests.
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
    """Yield the results of ``read`` in the order of the files, with parallel calls.

    Parameters
    ----------
    read
        Called for each file in a thread. An ``OSError`` that it raises is yielded as a result.
    files
        The files.
    """
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
