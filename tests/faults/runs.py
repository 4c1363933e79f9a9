"""Runs for fault tests: each starts the real command in its own process group."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.endtoend.conftest import Site

TICK = 0.002


class Run:
    """A running ``dicom-pipeline`` command."""

    def __init__(
        self, site: Site, *arguments: str, prefix: tuple[str, ...] = (), **environment: str
    ) -> None:
        self.began = time.monotonic()
        self._output = site.root / "output.txt"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "dicom_pipeline.cli", *(arguments or ("run",))],
                cwd=site.project,
                env={
                    **os.environ,
                    **site.environment,
                    "PYTHONPATH": str(site.project),
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """Output so far."""
        return self._output.read_text()

    @property
    def is_over(self) -> bool:
        return self.process.poll() is not None

    def kill(self) -> None:
        """Send SIGKILL to the command and all processes that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        deadline = time.monotonic() + 10
        while list(members(self.process.pid)) and time.monotonic() < deadline:
            time.sleep(0.01)

    def kill_after(self, seconds: float) -> bool:
        """Kill the run ``seconds`` after its start; return whether it was still running."""
        while time.monotonic() - self.began < seconds and not self.is_over:
            time.sleep(TICK)
        running = not self.is_over
        self.kill()
        return running

    def kill_when(self, ready: Callable[[], bool], *, seconds: float = 300) -> bool:
        """Kill the run as soon as a condition holds; return whether it ever held."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.is_over:
            if ready():
                self.kill()
                return True
            time.sleep(TICK)
        self.kill()
        return False

    def ends_with(self, code: int, *, seconds: float = 600) -> str:
        """Wait for the end, check the exit code and return the output."""
        self.process.wait(seconds)
        assert self.process.returncode == code, self.output
        return self.output


@dataclass(frozen=True)
class Member:
    """A process of a group."""

    pid: int
    parent: int
    command: str


def members(group: int) -> Iterator[Member]:
    """Yield the living processes of a process group."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            state, parent, of_group = (
                (entry / "stat").read_text().rpartition(")")[2].split(maxsplit=3)[:3]
            )
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(of_group) == group and state != "Z":
            yield Member(int(entry.name), int(parent), command)


def workers(group: int) -> list[Member]:
    """Return the worker processes that read headers."""
    return [m for m in members(group) if "multiprocessing" in m.command and "spawn" in m.command]


def dbt(group: int) -> list[Member]:
    """Return the processes of ``dbt build``."""
    return [m for m in members(group) if "dbt" in m.command and " build" in m.command]


def error_line(output: str) -> str:
    """Return the only error line, after a check for tracebacks, paths and file names."""
    assert "Traceback" not in output, output
    assert "--debug" not in output, output
    for secret in ("second-", "i-0", ".dcm", "study_period=", "data.parquet"):
        assert secret not in output, (secret, output)
    lines = [line for line in output.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, output
    return lines[0]
