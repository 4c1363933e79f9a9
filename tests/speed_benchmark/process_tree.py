"""CPU and memory of a process with all its descendants, from /proc.

Belongs here: sampling while the process runs.
Does not belong here: the process itself.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

INTERVAL = 0.1


def run(command: Sequence[str], environment: Mapping[str, str], cwd: Path) -> dict[str, Any]:
    """Run a command; return wall time, CPU time of waited-for descendants, peak memory, output."""
    began, wall = time.time(), time.perf_counter()
    process = subprocess.Popen(
        list(command), env=dict(environment), cwd=cwd, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    peak = _Peak(process.pid)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    ended = time.perf_counter() - wall
    process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "began": began,
        "wall": ended,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": peak.stop(),
        "code": process.returncode,
        "output": output,
    }


class _Peak(threading.Thread):
    """Thread that samples the resident memory of a process and its descendants for its maximum.

    Shared pages are counted once per process, so the result is an upper bound.
    """

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root = root
        self._bytes = 0
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ended.wait(INTERVAL):
            self._bytes = max(self._bytes, resident(self._root))

    def stop(self) -> int:
        """Stop sampling and return the peak in bytes."""
        self._ended.set()
        self.join()
        return self._bytes


def resident(root: int) -> int:
    """Return the bytes in memory of a process and its descendants; 0 without /proc."""
    return sum(tree(root).values())


def tree(root: int) -> dict[int, int]:
    """Return the process ids of a process and its descendants, with their bytes in memory."""
    children: dict[int, list[int]] = defaultdict(list)
    pages: dict[int, int] = {}
    with suppress(OSError):
        for name in os.listdir("/proc"):
            if not name.isdecimal():
                continue
            with suppress(OSError, IndexError, ValueError):
                status = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()
                children[int(status[1])].append(int(name))
                pages[int(name)] = int(status[21])
    found, todo = {}, [root]
    while todo:
        process = todo.pop()
        if process in pages:
            found[process] = pages[process] * os.sysconf("SC_PAGE_SIZE")
        todo += children[process]
    return found
