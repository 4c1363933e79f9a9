"""A program with its own pseudo-terminal, for tests of interactive programs."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence

ROWS, COLUMNS = 50, 160
_CONTROL = re.compile(
    rb"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|P[^\x1b]*\x1b\\|[()].|.)"
)
DOWN, F6, CONTROL_Q = b"\x1b[B", b"\x1b[17~", b"\x11"


class Terminal:
    """A child process and its terminal."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.shown = b""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:
                os.execve(command[0], list(command), dict(environment))
            finally:
                os._exit(127)
        size = struct.pack("HHHH", ROWS, COLUMNS, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    @property
    def text(self) -> str:
        """All output so far, without control sequences."""
        return _CONTROL.sub(b"", self.shown).decode("utf-8", "replace")

    def read(self, seconds: float) -> bool:
        """Read output for at most ``seconds``; return False after the program has ended."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65_536)
        except OSError:  # the program closed the terminal
            return False
        self.shown += data
        return bool(data)

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Read until a text appears."""
        deadline = time.monotonic() + seconds
        while text not in self.text:
            assert self.read(0.2), f"it ended: {self.text[-2000:]}"
            assert time.monotonic() < deadline, f"{text!r} is not shown: {self.text[-2000:]}"

    def press(self, *keys: bytes) -> None:
        """Press keys one after the other, with time for the program to react."""
        for key in keys:
            os.write(self.master, key)
            until = time.monotonic() + 1
            while time.monotonic() < until and self.read(0.1):
                pass

    def end(self, seconds: float = 30) -> int:
        """Wait for the program to end, or kill it; return its exit code."""
        deadline = time.monotonic() + seconds
        while self.read(0.2):
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.master)
        return os.waitstatus_to_exitcode(status)
