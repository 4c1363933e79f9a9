"""Local S3 server (moto), a proxy that counts and disturbs requests, and buckets per test."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from itertools import count
from typing import Any

import boto3
import pytest

from dicom_pipeline.common import aws as s3
from dicom_pipeline.config.locations import S3Location
from tests.cloud.front import Front
from tests.cloud.kubernetes_pages import job_of_a_run

_NUMBERS = count(1)
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "SECRETKEY",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Start a moto server and return its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    process = subprocess.Popen(command, env=environment, **quiet)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{url}/moto-api/", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, "moto_server did not start"
                time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def front(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    """Proxy to which the variables of boto3 point."""
    made = Front(server)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in (VARIABLES | {"AWS_ENDPOINT_URL": made.url}).items():
        monkeypatch.setenv(name, value)
    s3.client.cache_clear()
    yield made
    s3.client.cache_clear()
    made.close()


@pytest.fixture
def plain(server: str) -> Any:
    """S3 client that bypasses the proxy."""
    return boto3.client(
        "s3", endpoint_url=server, region_name="us-east-1", aws_access_key_id="x",
        aws_secret_access_key="y",
    )  # fmt: skip


@pytest.fixture
def bucket(front: Front, plain: Any) -> str:
    """Create an empty bucket and return its name."""
    name = f"bucket-{next(_NUMBERS)}"
    plain.create_bucket(Bucket=name)
    return name


@pytest.fixture
def landing(bucket: str) -> S3Location:
    return S3Location(bucket, "dicom/")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print time, files read and row counts of the parity matrix."""
    lines = [
        f"{name}: {value}"
        for report in terminalreporter.stats.get("passed", ())
        for name, value in getattr(report, "user_properties", ())
        if name.startswith("parity ")
    ]
    if lines:
        terminalreporter.section("parity")
        terminalreporter.write("\n".join([*lines, ""]))


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Job of a run in Kubernetes."""
    return job_of_a_run(monkeypatch)
