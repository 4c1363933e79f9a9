"""Local PostgreSQL server with a temporary database cluster."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest

USER, PASSWORD = "dagster", "pw-9f3c-not-to-be-seen"


def programs() -> Path | None:
    """Return the directory of ``initdb`` and ``pg_ctl``; None if PostgreSQL is not installed."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    on_path = shutil.which("pg_ctl")
    if not places and on_path:
        places = [Path(on_path).parent]
    return places[-1] if places and (places[-1] / "initdb").exists() else None


@dataclass(frozen=True)
class PostgresServer:
    """A running server on the loopback address, with TLS for the name ``localhost``.

    Attributes
    ----------
    certificate
        Certificate of the authority that signed the one of the server, as PEM.
    """

    port: int
    certificate: str

    def environment(self, database: str) -> dict[str, str]:
        """Create a database and return the variables for ``deploy/dagster.yaml``."""
        with closing(self.connect("postgres")) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"create database {database}")
        return {
            "DAGSTER_PG_HOST": "127.0.0.1",
            "DAGSTER_PG_PORT": str(self.port),
            "DAGSTER_PG_DB": database,
            "DAGSTER_PG_USERNAME": USER,
            "DAGSTER_PG_PASSWORD": PASSWORD,
        }

    def connect(self, database: str) -> Any:
        """Connect without the code of the package."""
        return psycopg2.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname=database
        )

    def ask(self, database: str, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows


def make_certificates(directory: Path) -> None:
    """Create ``ca.crt``, and ``server.crt`` and ``server.key`` signed by it, for ``localhost``."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=directory)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    openssl("req", "-x509", *key, "-subj", "/CN=test authority", "-keyout", "ca.key",
            "-out", "ca.crt")  # fmt: skip
    openssl("req", "-x509", *key, "-subj", "/CN=server", "-addext", "subjectAltName=DNS:localhost",
            "-CA", "ca.crt", "-CAkey", "ca.key", "-keyout", "server.key",
            "-out", "server.crt")  # fmt: skip


@contextmanager
def running() -> Iterator[PostgresServer]:
    """Start a server; at the end of the block it stops and its data are deleted."""
    found = programs()
    assert found is not None
    # PostgreSQL does not run as root, and other users cannot access pytest's directories
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    directory = Path(tempfile.mkdtemp(prefix="postgres-test-", dir="/tmp"))
    secret = directory / "password"
    secret.write_text(PASSWORD)
    if as_user:
        for path in (directory, secret):
            shutil.chown(path, "postgres")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    make_certificates(directory)
    if as_user:
        shutil.chown(directory / "server.key", "postgres")
    data = directory / "data"
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {directory} -c fsync=off -c ssl=on"
    options += f" -c ssl_cert_file={directory}/server.crt -c ssl_key_file={directory}/server.key"
    control = [*as_user, str(found / "pg_ctl"), "-D", str(data), "-s", "-w"]
    try:
        subprocess.run(
            [*as_user, str(found / "initdb"), "-D", str(data), "-U", USER, "-A", "scram-sha-256",
             "--pwfile", str(secret), "-E", "UTF8", "--no-sync"],
            check=True, capture_output=True, cwd="/",
        )  # fmt: skip
        subprocess.run(
            [*control, "-o", options, "-l", str(directory / "log"), "start"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip
        try:
            yield PostgresServer(port, (directory / "ca.crt").read_text())
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=False, cwd="/")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests; each test uses its own database."""
    if programs() is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed: apt-get install postgresql")
        pytest.skip("NOT TESTED: PostgreSQL is not installed; apt-get install postgresql does")
    with running() as server:
        yield server
