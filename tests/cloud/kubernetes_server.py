"""The part of the Kubernetes API that a run launcher needs; a Job becomes a local process.

Belongs here: jobs, their status and their pods. Does not belong here: validation of a Job.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class KubernetesServer:
    """The server; ``jobs`` contains the requested jobs by name."""

    def __init__(self, directory: Path, environment: dict[str, str], cwd: Path) -> None:
        self.directory, self.environment, self.cwd = directory, environment, cwd
        self.jobs: dict[str, dict[str, Any]] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def do_GET(self) -> None:
                name = self.path.partition("?")[0].split("/jobs/")[-1].partition("/")[0]
                if name in server.jobs:
                    self._answer(200, server.jobs[name] | {"status": server.status(name)})
                else:
                    self._answer(200, {"kind": "PodList", "apiVersion": "v1", "items": []})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.start(body)
                self._answer(201, body)

            def _answer(self, status: int, content: dict[str, Any]) -> None:
                data = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        port = self._server.server_address[1]
        self.kubeconfig = directory / "kubeconfig"
        self.kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1", "kind": "Config", "current-context": "c",
                    "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
                    "users": [{"name": "u", "user": {}}],
                    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                }
            )
        )  # fmt: skip

    def start(self, job: dict[str, Any]) -> None:
        """Run the command of the container with its variables, as a node would."""
        name = job["metadata"]["name"]
        container = job["spec"]["template"]["spec"]["containers"][0]
        given = {each["name"]: each.get("value", "") for each in container["env"]}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.jobs[name] = job
        with (self.directory / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                container["args"],
                cwd=self.cwd,
                env={**self.environment, **given, "PATH": path},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def status(self, name: str) -> dict[str, int]:
        """Return the status of a Job as the cluster reports it."""
        code = self.processes[name].poll()
        if code is None:
            return {"active": 1}
        return {"succeeded": 1} if code == 0 else {"failed": 1}

    def close(self) -> None:
        """Stop all jobs and the server."""
        for process in self.processes.values():
            process.kill()
            process.wait()
        self._server.shutdown()
        self._server.server_close()
