"""Log progress every few seconds during a long step.

Belongs here: the timer. Does not belong here: the messages.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS = 5.0


@contextmanager
def progress_log(
    log: Callable[[str], None], message: Callable[[], str], *, seconds: float = SECONDS
) -> Iterator[None]:
    """Log a message and the elapsed time every few seconds until the block ends.

    Parameters
    ----------
    log
        Called with a line of the log.
    message
        Returns the current progress; called in another thread.
    seconds
        Interval between two lines. A block that ends earlier logs nothing.
    """
    ended = threading.Event()
    began = time.monotonic()

    def log_until_ended() -> None:
        while not ended.wait(seconds):
            log(f"{message()}, {time.monotonic() - began:.0f} s")

    thread = threading.Thread(target=log_until_ended, name="progress_log", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
