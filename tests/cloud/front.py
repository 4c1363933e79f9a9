"""HTTP proxy that records requests and can answer some of them with S3 errors."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_HOP = {"transfer-encoding", "connection", "content-length"}


@dataclass(frozen=True)
class Request:
    """A request, and the number of bytes of the response body."""

    method: str
    path: str
    range: str | None
    sent: int


@dataclass(frozen=True)
class Answer:
    """An error response in the format of S3."""

    status: int
    code: str

    def body(self) -> bytes:
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{self.code}</Code><Message>SECRETKEY Müller^Anna</Message>"
            "<RequestId>1</RequestId><HostId>2</HostId></Error>"
        ).encode()


Rule = Callable[[str, str], "Answer | str | None"]


@dataclass
class Front:
    """The proxy.

    ``rule`` gets method and path of each request. It can return an `Answer` to send instead,
    ``"lost"`` to forward the request and then close the connection, ``"cut"`` to close it in the
    middle of the response body, or None.
    """

    behind: str
    log: list[Request] = field(default_factory=list)
    rule: Rule = lambda method, path: None
    delay: float = 0.0

    def __post_init__(self) -> None:
        front, behind = self, self.behind.removeprefix("http://")

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def handle_any(self) -> None:
                body = self._body()
                verdict = front.rule(self.command, self.path)
                if front.delay:
                    time.sleep(front.delay)
                if isinstance(verdict, Answer):
                    answer = verdict.body()
                    headers = [("Content-Type", "application/xml")]
                    if verdict.status == 301:
                        headers.append(("x-amz-bucket-region", "eu-central-1"))
                    self._answer(verdict.status, headers, answer)
                    return
                host, _, port = behind.partition(":")
                onward = http.client.HTTPConnection(host, int(port), timeout=60)
                passed = {
                    k: v for k, v in self.headers.items()
                    if k.lower() not in {"expect", "transfer-encoding", "content-length"}
                }  # fmt: skip
                onward.request(self.command, self.path, body, passed)
                response = onward.getresponse()
                data = response.read()
                onward.close()
                if verdict == "lost":
                    self.close_connection = True
                    return
                self._answer(
                    response.status, response.getheaders(), data, cut=verdict == "cut",
                )  # fmt: skip

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    data = b""
                    while size := int(self.rfile.readline(), 16):
                        data += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                    return data
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def _answer(
                self, status: int, headers: list[tuple[str, str]], data: bytes, *, cut: bool = False
            ) -> None:
                front.log.append(
                    Request(self.command, self.path, self.headers.get("Range"), len(data))
                )
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in _HOP:
                        self.send_header(name, value)
                length = {k.lower(): v for k, v in headers}.get("content-length")
                whole = str(len(data)) if self.command != "HEAD" else (length or "0")
                self.send_header("Content-Length", whole)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data[: len(data) // 2] if cut else data)
                if cut:
                    self.close_connection = True

            def handle(self) -> None:
                with suppress(ConnectionError, TimeoutError):
                    super().handle()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def clear(self) -> None:
        self.log.clear()
        self.rule = lambda method, path: None

    def count(self, method: str, part: str = "") -> int:
        return sum(r.method == method and part in r.path for r in self.log)
