"""A word in the log every few seconds while something takes its time.

Belongs here: the clock. Does not belong here: what is told.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS = 5.0


@contextmanager
def progress_log(
    tell: Callable[[str], None], what: Callable[[], str], *, seconds: float = SECONDS
) -> Iterator[None]:
    """Tell how far it is, at least every so many seconds, until the block ends.

    Parameters
    ----------
    tell
        Takes a line of the log.
    what
        Says how far it is; called in a thread of its own.
    seconds
        Time between two lines. A block that ends before the first is over tells nothing.
    """
    ended = threading.Event()
    began = time.monotonic()

    def beat() -> None:
        while not ended.wait(seconds):
            tell(f"{what()}, {time.monotonic() - began:.0f} s")

    thread = threading.Thread(target=beat, name="progress_log", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
