"""Local server of Snowflake's protocol: fakesnow in its own environment.

fakesnow requires another version of DuckDB than the pipeline, so it has its own environment:
`make fakesnow` creates it, or FAKESNOW_PYTHON names its interpreter.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dicom_pipeline.config.project import PROJECT_DIR

REQUIREMENTS = ("fakesnow[server]==0.12.1", "snowflake-connector-python<5")
PATCHES = Path(__file__).with_name("fakesnow_patches.py")


def fakesnow_python() -> Path | None:
    """Return the interpreter with fakesnow; None if it is not installed."""
    python = Path(os.environ.get("FAKESNOW_PYTHON", PROJECT_DIR / ".fakesnow" / "bin" / "python"))
    return python if python.exists() else None


@dataclass(frozen=True)
class SnowflakeServer:
    """A running server and the log of its statements."""

    port: int
    log: Path

    def environment(self, database: str) -> dict[str, str]:
        """Return the variables for a client; each database is a separate warehouse."""
        return {
            "DBT_TARGET": "snowflake",
            "SNOWFLAKE_ACCOUNT": "fakesnow",
            "SNOWFLAKE_USER": "builder",
            "SNOWFLAKE_PASSWORD": "not-a-secret",
            "SNOWFLAKE_DATABASE": database,
            "SNOWFLAKE_HOST": "127.0.0.1",
            "SNOWFLAKE_PORT": str(self.port),
            "SNOWFLAKE_PROTOCOL": "http",
        }

    @property
    def bindings(self) -> Path:
        """The bound values of all statements."""
        return self.log.with_name("bindings.jsonl")

    def uploads(self) -> list[Path]:
        """Return the uploaded files so far, in order."""
        return sorted(self.log.with_name("uploads").glob("*"))

    def statements(self) -> list[str]:
        """Return every statement so far, as sent by the client."""
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextmanager
def running(directory: Path) -> Iterator[SnowflakeServer]:
    """Start a server; at the end of the block it stops and its databases are deleted."""
    python = fakesnow_python()
    assert python is not None
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = directory / "statements.jsonl"
    with (directory / "server.log").open("w") as output:
        process = subprocess.Popen(
            [python, PATCHES, str(port), log], stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(port, process)
            yield SnowflakeServer(port, log)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended at once; see server.log"
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("the server did not start")


def require_fakesnow() -> None:
    """Skip the test if fakesnow is not installed; fail in CI."""
    if fakesnow_python() is None:
        if os.environ.get("CI"):
            pytest.fail("fakesnow is not installed: make fakesnow")
        pytest.skip("NOT TESTED: Snowflake. fakesnow is not installed; `make fakesnow` does")


@pytest.fixture(scope="session")
def snowflake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SnowflakeServer]:
    """One server for all tests; each test uses its own database."""
    require_fakesnow()
    with running(tmp_path_factory.mktemp("snowflake")) as server:
        yield server
