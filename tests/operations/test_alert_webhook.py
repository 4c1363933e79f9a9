"""Alert webhook with a real HTTP server: requests, retries, timeouts and errors."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dicom_pipeline.config.settings import SettingsError, load_settings
from dicom_pipeline.operations.alert_webhook import AlertNotSent, send

SECRET = "T00/B00/hush-hush-token"


class Hook(ThreadingHTTPServer):
    """Webhook server with configurable answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.delay = 0.0
        self.got: list[tuple[str, dict[str, object]]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/{SECRET}"


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.headers["Content-Type"], body))
        time.sleep(self.server.delay)
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", self.server.address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_the_message_is_json_in_slacks_format(hook: Hook) -> None:
    send(hook.address, "a run failed")
    assert hook.got == [("application/json", {"text": "a run failed"})]


def test_a_busy_server_is_retried_once(hook: Hook) -> None:
    hook.answers = [503, 200]
    send(hook.address, "a run failed")
    assert len(hook.got) == 2


@pytest.mark.parametrize(("status", "attempts"), [(404, 1), (403, 1), (302, 1), (500, 2), (429, 2)])
def test_a_refused_alert_is_reported_without_the_address(
    hook: Hook, status: int, attempts: int
) -> None:
    hook.answers = [status] * 5
    with pytest.raises(AlertNotSent, match=f"it answered {status}") as refused:
        send(hook.address, "a run failed")
    assert len(hook.got) == attempts
    assert "hush" not in repr(refused.value)


def test_sending_to_a_server_that_does_not_answer_ends_at_the_timeout(hook: Hook) -> None:
    hook.delay = 3
    began = time.monotonic()
    with pytest.raises(AlertNotSent, match="it did not answer in 0 s"):
        send(hook.address, "a run failed", seconds=0.3)
    assert time.monotonic() - began < 2


def test_an_unreachable_server_is_reported_without_the_address() -> None:
    with Hook() as gone:
        address = gone.address
    with pytest.raises(AlertNotSent, match="cannot be reached") as refused:
        send(address, "a run failed")
    assert "hush" not in repr(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("value", ["hooks.example/hush", "ftp://hush.example/x", "https://", ""])
def test_an_invalid_address_is_refused_and_not_quoted(value: str) -> None:
    with pytest.raises(SettingsError, match="DICOM_ALERT_WEBHOOK cannot be used") as refused:
        load_settings({"DICOM_ALERT_WEBHOOK": value})
    assert "hush" not in str(refused.value)


def test_the_settings_do_not_show_the_address() -> None:
    settings = load_settings({"DICOM_ALERT_WEBHOOK": f"https://hooks.example/{SECRET}"})
    assert settings.alert_webhook is not None
    assert "hush" not in repr(settings)
