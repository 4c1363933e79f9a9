"""A server that accepts any login and refuses statements with Snowflake's errors.

Belongs here: errors that fakesnow does not produce. Does not belong here: results of SQL.
"""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET_TEXT = "SECRETKEY Müller^Anna select * from raw.patients"


class RefusingSnowflake:
    """The server; ``code`` and ``state`` are errors of statements, ``login`` that of a login."""

    def __init__(self) -> None:
        self.code, self.state, self.login = "000606", "57P03", ""
        self.asked = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                self._answer(server.answer(self.path))

            def _answer(self, content: dict[str, Any]) -> None:
                data = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, path: str) -> dict[str, Any]:
        """Return the response of Snowflake's protocol."""
        if "login-request" in path:
            if self.login:
                return {"success": False, "code": self.login, "message": SECRET_TEXT, "data": {}}
            session = {
                "token": "t", "masterToken": "m", "validityInSeconds": 3600, "parameters": [],
                "masterValidityInSeconds": 14400, "sessionId": 1, "serverVersion": "9",
                "sessionInfo": {"databaseName": "DICOM", "schemaName": None, "roleName": "R",
                                "warehouseName": None},
            }  # fmt: skip
            return {"success": True, "code": None, "message": None, "data": session}
        if "query-request" in path:
            self.asked += 1
            data = {"sqlState": self.state, "queryId": "01b2-0000", "errorCode": self.code,
                    "internalError": False, "line": -1, "pos": -1}  # fmt: skip
            return {"success": False, "code": self.code, "message": SECRET_TEXT, "data": data}
        return {"success": True, "code": None, "message": None, "data": {}}

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()
