"""Worker processes that do not import the main module of their parent.

Belongs here: starting and stopping processes. Does not belong here: pools and their work.
"""

from __future__ import annotations

import sys
import threading
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import Any


class _Process(SpawnProcess):
    """A spawned process that does not import the parent's main module.

    The import serves objects that are pickled from the main module. We pickle none, and with
    ``dagster`` as the main module the import would take seconds in each worker.
    """

    _starting = threading.Lock()

    def start(self) -> None:
        with self._starting:
            main = sys.modules["__main__"]
            sys.modules["__main__"] = ModuleType("__main__")
            try:
                super().start()
            finally:
                sys.modules["__main__"] = main


class SpawnContextWithoutMain(SpawnContext):
    """Context of one pool of such processes, which can stop them all."""

    def __init__(self) -> None:
        super().__init__()
        self._started: list[_Process] = []

    def Process(self, *args: Any, **kwargs: Any) -> _Process:  # type: ignore[override]  # noqa: N802
        """Return a process that `terminate` stops."""
        process = _Process(*args, **kwargs)
        self._started.append(process)
        return process

    def terminate(self) -> None:
        """Stop the processes that are still running."""
        for process in self._started:
            if process.is_alive():
                process.terminate()
