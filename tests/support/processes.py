"""Process data visible to any user of the machine: command line arguments and ports."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SECONDS = 0.02


@contextmanager
def watched_arguments() -> Iterator[set[bytes]]:
    """Collect the arguments of all processes that run during the block, as /proc shows them."""
    seen: set[bytes] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    seen.add(path.read_bytes())
            ended.wait(SECONDS)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def listening(session: int) -> set[str]:
    """Return the TCP addresses on which the processes of a session listen."""
    inodes = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            if int((process / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                for descriptor in (process / "fd").iterdir():
                    inodes.add(str(descriptor.readlink()))
    found = set()
    for table, width in (("tcp", 8), ("tcp6", 32)):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                found.add(_address(fields[1].partition(":")[0], width))
    return found


def _address(text: str, width: int) -> str:
    words = [bytes.fromhex(text[i : i + 8])[::-1] for i in range(0, width, 8)]
    raw = b"".join(words)
    return str(ipaddress.ip_address(raw))
