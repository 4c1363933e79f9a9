"""A real ``dagster dev`` for tests: started in a process of its own, driven over GraphQL."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dicom_pipeline.config.project import PACKAGE_DIR, PROJECT_DIR
from tests.support.processes import listening

_SELECTOR = """
query { repositoriesOrError { ... on RepositoryConnection {
  nodes { name location { name } sensors { name } } } } }
"""
_START = """
mutation($selector: SensorSelector!) { startSensor(sensorSelector: $selector) {
  __typename ... on PythonError { message } } }
"""
_RUNS = """
query { runsOrError(limit: 50) { ... on Runs { results {
  runId jobName status tags { key value } assetSelection { path } } } } }
"""


class DevServer:
    """``dagster dev`` on a free port, with its storage under ``home``."""

    def __init__(
        self,
        environment: dict[str, str],
        home: Path,
        project: Path = PROJECT_DIR,
        page: Path = PACKAGE_DIR / "orchestration" / "dagster_home.yaml",
        bin_directory: Path = Path(sys.executable).parent,
    ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        (home / "dagster.yaml").write_text(page.read_text())
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log_path = home / "dev.log"
        self._log = self.log_path.open("wb")
        self.process = subprocess.Popen(
            [str(bin_directory / "dagster"), "dev", "--port", str(self.port)],
            cwd=project,
            env={
                **os.environ,
                **environment,
                "DAGSTER_HOME": str(home),
                "DAGSTER_DISABLE_TELEMETRY": "yes",
                "PYTHONPATH": str(project),
                "PATH": f"{bin_directory}:{os.environ['PATH']}",
            },
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> DevServer:
        try:
            wait_for(self._answers, seconds=120, what="the web server")
            # whoever reaches it may launch runs: this machine only, for each test that starts it
            assert self.listening() == {"127.0.0.1"}
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def listening(self) -> set[str]:
        """Addresses that it and its children listen on."""
        return listening(self.process.pid)

    def stop(self) -> None:
        """End the server and all its children."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        self._log.close()

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log_path.read_text()[-3000:]
        try:
            nodes = self.query(_SELECTOR)["repositoriesOrError"].get("nodes")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return bool(nodes)

    def query(self, text: str, **variables: Any) -> dict[str, Any]:
        """Ask GraphQL."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": text, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = json.load(answer)
        assert "errors" not in content, content["errors"]
        result: dict[str, Any] = content["data"]
        return result

    def selector(self) -> dict[str, str]:
        """What names our repository in selectors."""
        node = self.query(_SELECTOR)["repositoriesOrError"]["nodes"][0]
        return {"repositoryName": node["name"], "repositoryLocationName": node["location"]["name"]}

    def toggle_on(self, sensor: str) -> None:
        """Switch a sensor on, as its toggle in the UI does."""
        answer = self.query(_START, selector={**self.selector(), "sensorName": sensor})
        assert answer["startSensor"]["__typename"] == "Sensor", answer

    def runs(self) -> list[dict[str, Any]]:
        """The latest runs, newest first."""
        results: list[dict[str, Any]] = self.query(_RUNS)["runsOrError"]["results"]
        return results


def wait_for(met: Callable[[], bool], *, seconds: float, what: str) -> float:
    """Wait until a condition holds; return how long it took."""
    began = time.monotonic()
    while not met():
        assert time.monotonic() - began < seconds, f"{what} did not come within {seconds:.0f} s"
        time.sleep(0.5)
    return time.monotonic() - began
