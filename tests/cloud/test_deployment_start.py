"""The image and the manifests of Kubernetes start, without an engine and without a cluster.

The content of the image runs in a root file system of its own, with the volumes, variables and the
user that a node gives to the pod, against a PostgreSQL server with TLS.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from dicom_pipeline.deid.keys import new_key
from tests.endtoend.conftest import SAMPLE, files_read
from tests.faults.mounts import can_mount
from tests.support.another_user import UID, needs_root, reachable_directory

from .container import Container, Kubelet, Volume, build_image, copy_content, instructions
from .kubernetes_pages import FOLDER, of_kind, pod_of, settings_of_page
from .postgres_server import PostgresServer, postgres  # noqa: F401

pytestmark = [
    needs_root,
    pytest.mark.skipif(not can_mount(), reason="NOT TESTED: file systems cannot be mounted here"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """Directory with the content of the image, with dbt's manifest."""
    with reachable_directory() as directory:
        (directory / "image").mkdir()
        build_image(directory / "image")
        yield directory / "image"


def test_building_the_image_adds_only_the_manifest_which_every_user_can_read(
    image: Path, tmp_path: Path
) -> None:
    copy_content(tmp_path)
    before, after = (
        {path.relative_to(root) for path in root.rglob("*")} for root in (tmp_path, image)
    )
    target = Path("app/dbt_snowflake/target")
    assert before < after
    assert all(path == target or target in path.parents for path in after - before)
    assert {target / "manifest.json", target / "partial_parse.msgpack"} <= after
    content = {p for p in after if p.is_relative_to("app") or p.is_relative_to("opt/dagster")}
    for path in content - {target / "manifest.lock"}:
        wanted = 0o055 if (image / path).is_dir() else 0o044
        assert (image / path).stat().st_mode & wanted == wanted, path


@pytest.fixture
def kubelet(image: Path, postgres: PostgresServer) -> Iterator[Kubelet]:  # noqa: F811
    """A node with the objects of the namespace; an empty landing zone is in its directory."""
    with reachable_directory() as directory:
        (directory / "landing").mkdir(mode=0o755)
        database = f"start_{directory.name.replace('-', '_')}".lower()
        server = postgres.environment(database) | {"DAGSTER_PG_HOST": "localhost"}
        password = server.pop("DAGSTER_PG_PASSWORD")
        # edited by the site
        settings = settings_of_page() | server
        settings |= {
            "DICOM_LANDING_URI": "/landing", "DICOM_RAW_URI": "/data/raw",
            "DICOM_MIN_FILE_AGE_SECONDS": "0",
        }  # fmt: skip
        dagster = {name: (FOLDER / name).read_text() for name in ("dagster.yaml", "workspace.yaml")}
        yield Kubelet(
            directory,
            image,
            configs={
                "dicom-settings": settings,
                "dicom-dagster": dagster,
                "dicom-postgres-ca": {"ca.crt": postgres.certificate},
            },
            secrets={
                "dicom-postgres": {"DAGSTER_PG_PASSWORD": password},
                "dicom-key": {"pseudonym.key": new_key()},
            },
            services=of_kind("Service"),
        )


def landing(kubelet: Kubelet) -> Volume:
    return Volume("/landing", kubelet.directory / "landing", read_only=True)


@contextmanager
def running(container: Container, *command: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command until the end of the block; its output is shown if the test fails."""
    process = container.start(*command)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        sys.stdout.write(process.communicate()[0])


def passes(probe: Callable[[], bool], process: subprocess.Popen[str]) -> bool:
    """Return whether a startup probe passes within its time."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError, grpc.RpcError):
            if probe():
                return True
        time.sleep(1)
    return False


def test_the_pod_of_a_run_loads_files_as_a_user_without_name_and_home(
    kubelet: Kubelet, job: dict[str, Any]
) -> None:
    """The root file system is read-only, the root of the volume belongs to root."""
    for name in ("CT_small.dcm", "MR_small.dcm"):
        (kubelet.directory / "landing" / name).write_bytes((SAMPLE / name).read_bytes())
    pod = kubelet.container(job["spec"]["template"]["spec"], landing(kubelet), uid=UID)
    del pod.environment["HOME"]  # type: ignore[attr-defined]
    output = pod.run("dicom-pipeline", "run", umask=0o002)
    assert files_read(output) == 2
    data = kubelet.directory / "dicom-warehouse"
    with duckdb.connect(str(data / "published/dicom.duckdb"), read_only=True) as connection:
        found = connection.execute("select count(*) from processed.processed_images").fetchone()
    assert found == (2,)
    # dbt parsed nothing: its manifest is that of the image
    target = data / "warehouse" / "dbt"
    baked = kubelet.image / "app/dbt_snowflake/target/manifest.json"
    assert (target / "manifest.json").read_bytes() == baked.read_bytes()
    assert not (target / "dbt.log").exists()
    (log,) = target.glob("dbt_tables-*/dbt.log")
    assert "UnableToPartialParse" not in log.read_text()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) & 0o777 for path in data.iterdir()}
    assert modes == {"warehouse": 0o700, "raw": 0o700, "published": 0o755}
    for command in ("status", "prepare", "report"):
        pod.run("dicom-pipeline", command, umask=0o077)
    # a warehouse that others may read, and that this user cannot change
    os.chown(data / "warehouse", 0, 0)
    (data / "warehouse").chmod(0o755)
    output = pod.run("dicom-pipeline", "run", code=1)
    assert "error: the disk of DICOM_WAREHOUSE_DIR cannot be used: other users may" in output


def test_code_server_daemon_and_web_server_start_and_pass_their_probes(
    kubelet: Kubelet,
) -> None:
    pods = {name: pod_of(d) for name, d in of_kind("Deployment").items()}
    # names of Services; the ports of other tests are not available
    hosts = kubelet.directory / "hosts"
    hosts.write_text("127.0.0.1 localhost\n127.0.0.1 dicom-code\n")
    hosts.chmod(0o644)
    ports = dict(zip(("4000", "3000"), map(str, free_ports(2)), strict=True))
    workspace = kubelet.configs["dicom-dagster"]["workspace.yaml"]
    kubelet.configs["dicom-dagster"]["workspace.yaml"] = workspace.replace("4000", ports["4000"])

    def start(name: str, *more: Volume) -> AbstractContextManager[subprocess.Popen[str]]:
        command = pods[name]["containers"][0].get("command", image_command())
        words = [ports.get(word, word) for word in command]
        return running(container(name, *more), *words)

    def container(name: str, *more: Volume) -> Container:
        return kubelet.container(pods[name], Volume("/etc/hosts", hosts, read_only=True), *more)

    def grpc_probe() -> bool:
        probe = pods["dicom-code"]["containers"][0]["startupProbe"]["grpc"]
        with grpc.insecure_channel(f"127.0.0.1:{ports['4000']}") as channel:
            request = health_pb2.HealthCheckRequest(service=probe["service"])
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=5)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def ask(query: str) -> dict[str, Any]:
        body = json.dumps({"query": query}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{ports['3000']}/graphql", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            found: dict[str, Any] = json.loads(response.read())
        return found

    def http_probe() -> bool:
        path = pods["dicom-webserver"]["containers"][0]["startupProbe"]["httpGet"]["path"]
        with urllib.request.urlopen(f"http://127.0.0.1:{ports['3000']}{path}") as response:
            return bool(response.status == 200)

    def exec_probe() -> bool:
        command = pods["dicom-daemon"]["containers"][0]["startupProbe"]["exec"]["command"]
        process = container("dicom-daemon").start(*command)
        process.communicate()
        return process.returncode == 0

    with start("dicom-code", landing(kubelet)) as code:
        assert passes(grpc_probe, code)
        with start("dicom-daemon") as daemon, start("dicom-webserver") as webserver:
            assert passes(http_probe, webserver)
            assert passes(exec_probe, daemon)
            # the web server has no token
            found = ask("{repositoriesOrError{... on RepositoryConnection{nodes{jobs{name}}}}}")
            assert "materialize_all_assets_job" in str(found)
            found = ask("{instance{runQueuingSupported runLauncher{name}}}")
            assert found["data"]["instance"]["runQueuingSupported"]
            assert "errors" not in found
        assert code.poll() is None
    # loading the definitions created only private directories
    (warehouse,) = (kubelet.directory / "dicom-warehouse").iterdir()
    assert stat.S_IMODE(warehouse.stat().st_mode) & 0o777 == 0o700


def free_ports(number: int) -> list[int]:
    probes = [socket.socket() for _ in range(number)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def image_command() -> list[str]:
    """Return the command of the image."""
    (command,) = [arguments for name, arguments in instructions() if name == "CMD"]
    words: list[str] = json.loads(command)
    return words
