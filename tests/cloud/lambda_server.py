"""Local AWS Lambda: the Invoke API, and real function processes.

Each process is AWS's own runtime client (awslambdaric), which requests events from this server by
the Runtime API. The server can fail as Lambda does: see `Fault` and `Refusal`.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import unquote

MOST = 6 * 1024 * 1024  # maximum bytes of an event and of a response
START_SECONDS = 90.0
_INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_RUNTIME = "/2018-06-01/runtime/"


class Fault(Enum):
    """Faults of a call that reached a process."""

    HUNG = auto()  # the process is stopped until the timeout
    KILLED = auto()  # the process is killed while it handles the event
    LARGE = auto()  # the response is too large
    LOST = auto()  # the connection closes without a response


@dataclass(frozen=True)
class Refusal:
    """An error response of Lambda itself, without a call."""

    status: int
    code: str


@dataclass(frozen=True)
class Call:
    """A call and its outcome: ``ok`` or the kind of the error."""

    files: int
    target: str
    ended: str
    answer: bytes


Rule = Callable[[dict[str, Any], int], "Fault | Refusal | None"]


class Box:
    """One function process, which handles one event at a time."""

    def __init__(self, number: int, server: LambdaServer) -> None:
        self.events: queue.Queue[tuple[str, bytes] | None] = queue.Queue()
        self.answers: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.taken = threading.Event()
        self.closed = False
        self._api = _serving(_runtime_api(self, server))
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._api.server_address[1]}",
            "AWS_LAMBDA_FUNCTION_NAME": server.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{server.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": str(number),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LAMBDA_TASK_ROOT": str(server.folder),
            **server.environment,
        }
        self.process = subprocess.Popen(
            [server.python, "-m", "awslambdaric", server.handler],
            cwd=server.folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=server.log, stderr=server.log,
        )  # fmt: skip

    def call(self, request: str, event: bytes, seconds: float, fault: Fault | None) -> Any:
        """Handle an event; return the kind of error or None, and the response."""
        self.taken.clear()
        if fault is Fault.HUNG or fault is Fault.KILLED:
            number = signal.SIGSTOP if fault is Fault.HUNG else signal.SIGKILL
            self.process.send_signal(number)
        self.events.put((request, event))
        started = begun = time.monotonic()
        while True:
            with suppress(queue.Empty):
                kind, answer = self.answers.get(timeout=0.02)
                if fault is Fault.LARGE or len(answer) > MOST:
                    return "Unhandled", _error("Function.ResponseSizeTooLarge", "too large")
                return (None if kind == "response" else "Unhandled"), answer
            if self.process.poll() is not None:
                return "Unhandled", _error("Runtime.ExitError", "Runtime exited: signal: killed")
            if not self.taken.is_set() and fault is not Fault.HUNG:
                assert time.monotonic() - started < START_SECONDS, "the function does not start"
                begun = time.monotonic()
            elif time.monotonic() - (started if fault is Fault.HUNG else begun) > seconds:
                self.close()
                return "Unhandled", _error("Sandbox.Timedout", f"Task timed out after {seconds} s")

    def close(self) -> None:
        self.closed = True
        self.process.kill()
        self.process.wait()
        self.events.put(None)
        self._api.shutdown()
        self._api.server_close()


def _error(kind: str, text: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": text}).encode()


@dataclass
class LambdaServer:
    """One function.

    Attributes
    ----------
    handler
        ``module.function``, the handler setting of Lambda.
    environment
        Environment variables of the processes.
    folder
        Folder of the unpacked package.
    seconds
        Timeout of a call.
    concurrency
        Maximum number of concurrent calls; others are refused (429).
    rule
        Gets each event and its number, and returns the fault to apply.
    """

    handler: str
    environment: Mapping[str, str]
    folder: Path
    python: str = sys.executable
    name: str = "dicom-headers"
    seconds: float = 60
    concurrency: int = 2
    rule: Rule = lambda event, number: None
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115
        self._boxes: dict[int, Box] = {}
        self._idle: list[int] = []
        self._numbers, self._events = count(), count()
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(self.concurrency)
        self._server = _serving(_invoke_api(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def clear(self) -> None:
        self.calls.clear()
        self._events = count()
        self.rule = lambda event, number: None

    def logged(self) -> str:
        """Return the output of all processes."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def close(self) -> None:
        for box in self._boxes.values():
            if not box.closed:
                box.close()
        self._server.shutdown()
        self._server.server_close()
        self.log.close()

    def invoke(self, event: bytes) -> tuple[int, dict[str, str], bytes] | None:
        """Return status, headers and body of the response; None if it is lost."""
        if len(event) > MOST:
            return self._refused(Refusal(413, "RequestTooLargeException"), {})
        content = json.loads(event)
        with self._lock:
            verdict = self.rule(content, next(self._events))
        if isinstance(verdict, Refusal):
            return self._refused(verdict, content)
        if not self._slots.acquire(blocking=False):
            return self._refused(Refusal(429, "TooManyRequestsException"), content)
        try:
            kind, answer = self._call(event, verdict)
        finally:
            self._slots.release()
        self._note(content, kind or "ok", answer)
        if verdict is Fault.LOST:
            return None
        return 200, {"X-Amz-Function-Error": kind} if kind else {}, answer

    def _call(self, event: bytes, fault: Fault | None) -> tuple[str | None, bytes]:
        with self._lock:
            alive = [n for n in self._idle if self._boxes[n].process.poll() is None]
            number = alive.pop() if alive else next(self._numbers)
            self._idle = alive
            if number not in self._boxes:
                self._boxes[number] = Box(number, self)
        box = self._boxes[number]
        answer: tuple[str | None, bytes] = box.call(f"request-{number}", event, self.seconds, fault)
        if box.process.poll() is None:
            with self._lock:
                self._idle.append(number)
        elif not box.closed:
            box.close()
        return answer

    def _note(self, content: dict[str, Any], ended: str, answer: bytes) -> None:
        target = content.get("target", ["", ""])[1]
        self.calls.append(Call(len(content.get("files", ())), target, ended, answer))

    def _refused(self, refusal: Refusal, content: dict[str, Any]) -> Any:
        self._note(content, refusal.code, b"")
        body = json.dumps({"Type": "User", "Message": "SECRETKEY Müller^Anna"}).encode()
        return refusal.status, {"x-amzn-ErrorType": refusal.code}, body


def _serving(handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    made = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    made.daemon_threads = True
    threading.Thread(target=made.serve_forever, daemon=True).start()
    return made


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        with suppress(ConnectionError, TimeoutError):
            super().handle()


def _runtime_api(box: Box, server: LambdaServer) -> type[BaseHTTPRequestHandler]:
    """Return the handler of the Runtime API: next event and response."""

    class Handler(_Handler):
        def do_GET(self) -> None:
            assert self.path == f"{_RUNTIME}invocation/next"
            content = box.events.get()
            if content is None:
                self.close_connection = True
                return
            box.taken.set()
            headers = {
                "Lambda-Runtime-Aws-Request-Id": content[0],
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + server.seconds) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:x:1:function:{server.name}",
            }
            self.send(200, headers, content[1])

        def do_POST(self) -> None:
            assert self.path.startswith(_RUNTIME)
            # invocation/<id>/response, invocation/<id>/error, init/error
            box.answers.put((self.path.rpartition("/")[2], self.body()))
            self.send(202, {}, b'{"status":"OK"}')

    return Handler


def _invoke_api(server: LambdaServer) -> type[BaseHTTPRequestHandler]:
    """Return the handler of the Invoke API."""

    class Handler(_Handler):
        def do_POST(self) -> None:
            body = self.body()
            invoked = _INVOKE.fullmatch(self.path)
            assert invoked, self.path
            if unquote(invoked[1]).rpartition(":")[2] != server.name:
                self.send(404, {"x-amzn-ErrorType": "ResourceNotFoundException"}, b"{}")
            elif answer := server.invoke(body):
                self.send(*answer)
            else:
                self.close_connection = True

    return Handler
