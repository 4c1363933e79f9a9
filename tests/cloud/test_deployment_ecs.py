"""Files for ECS, checked with Amazon's model of its API and with Dagster's launcher."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import dagster as dg
import pytest
import yaml
from botocore.validate import ParamValidator
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher import LaunchRunContext
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.config.settings import load_settings

from .container import variables as image_variables

FOLDER = PROJECT_DIR / "deploy" / "ecs"
REGION = "eu-central-1"
TASKS = ("code", "run", "daemon", "webserver")
ROLES = ("zones", "daemon", "execution")
ACCESS_POINTS = ("warehouse", "published")


def page(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return content


def task_definition(name: str) -> dict[str, Any]:
    return page(f"task-{name}")


def container(name: str) -> dict[str, Any]:
    (found,) = task_definition(name)["containerDefinitions"]
    assert found["name"] == name
    return dict(found)


def variables_of(name: str) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container(name)["environment"]}


def statements(role: str) -> list[dict[str, Any]]:
    content = page(f"role-{role}")
    assert content["Version"] == "2012-10-17"
    found: list[dict[str, Any]] = content["Statement"]
    return found


def actions(statement: dict[str, Any]) -> list[str]:
    given = statement["Action"]
    return [given] if isinstance(given, str) else list(given)


@pytest.mark.parametrize(
    ("name", "service", "operation"),
    [
        *((f"task-{name}", "ecs", "RegisterTaskDefinition") for name in TASKS),
        *((f"access-point-{name}", "efs", "CreateAccessPoint") for name in ACCESS_POINTS),
    ],
)
def test_every_request_is_valid(name: str, service: str, operation: str) -> None:
    model = botocore.session.get_session().get_service_model(service)
    shape = model.operation_model(operation).input_shape
    report = ParamValidator().validate(page(name), shape)
    assert not report.has_errors(), report.generate_report()


def test_every_file_of_the_folder_is_tested() -> None:
    names = {path.stem for path in FOLDER.glob("*.json")}
    assert names == {
        *(f"task-{name}" for name in TASKS), *(f"role-{name}" for name in ROLES),
        *(f"access-point-{name}" for name in ACCESS_POINTS),
    }  # fmt: skip


def test_secrets_are_referenced_and_not_included() -> None:
    for name in TASKS:
        for variable in variables_of(name):
            words = ("PASSWORD", "SECRET", "KEY", "TOKEN")
            assert not any(word in variable for word in words), variable
        secrets = container(name)["secrets"]
        assert all(s["valueFrom"].startswith("arn:aws:secretsmanager:") for s in secrets)


def test_only_code_server_and_runs_have_access_to_the_zones_and_the_key() -> None:
    for name in TASKS:
        with_zones = name in ("code", "run")
        secrets = {secret["name"] for secret in container(name)["secrets"]}
        assert secrets - {"DICOM_PSEUDONYM_KEY"} == {"DAGSTER_PG_PASSWORD"}
        assert ("DICOM_PSEUDONYM_KEY" in secrets) == with_zones
        assert bool(container(name)["mountPoints"]) == with_zones
        assert bool(task_definition(name)["volumes"]) == with_zones
    roles = {
        name: task_definition(name).get("taskRoleArn", "").rpartition("/")[2] for name in TASKS
    }
    assert roles == {
        "code": "dicom-zones", "run": "dicom-zones", "daemon": "dicom-daemon", "webserver": "",
    }  # fmt: skip
    assert {action.partition(":")[0] for s in statements("zones") for action in actions(s)} == {
        "s3", "elasticfilesystem",
    }  # fmt: skip
    assert not [a for s in statements("daemon") for a in actions(s) if a.startswith(("s3", "el"))]


def test_the_private_directory_belongs_to_the_user_of_the_image() -> None:
    """An access point enforces the user and creates the directory; the pipeline changes no mode."""
    user = {"Uid": 10001, "Gid": 10001}
    for name, mode in (("warehouse", "0700"), ("published", "0755")):
        point = page(f"access-point-{name}")
        assert point["PosixUser"] == user
        created = point["RootDirectory"]["CreationInfo"]
        assert created == {"OwnerUid": 10001, "OwnerGid": 10001, "Permissions": mode}
        (mount,) = [m for m in container("run")["mountPoints"] if m["sourceVolume"] == name]
        assert mount["containerPath"] == f"/data/{name}"
    for volume in task_definition("run")["volumes"]:
        assert volume["efsVolumeConfiguration"]["transitEncryption"] == "ENABLED"


def test_the_ecs_settings_are_valid() -> None:
    wanted = {
        word.rstrip("}")
        for word in (FOLDER / "dagster.yaml").read_text().split()
        if word.startswith("DAGSTER_PG")
    }
    for name in TASKS:
        given = variables_of(name)
        assert wanted - given.keys() == {"DAGSTER_PG_PASSWORD"}
        assert given["PGSSLMODE"] == "verify-full"
        assert given["PGSSLROOTCERT"]
        settings = load_settings(image_variables() | given)
        # the web server has no run launcher, which would need a role
        home = "/opt/dagster" if name == "webserver" else "/app/deploy/ecs"
        assert str(settings.dagster_home) == home


def test_services_have_a_health_check_and_the_code_server_is_found_by_its_name() -> None:
    for name in TASKS:
        assert ("healthCheck" in container(name)) == (name != "run")
    (location,) = yaml.safe_load((FOLDER / "workspace.yaml").read_text())["load_from"]
    server = location["grpc_server"]
    (mapped,) = container("code")["portMappings"]
    assert mapped["containerPort"] == server["port"]
    assert container("code")["command"][3:5] == ["--host", "0.0.0.0"]
    document = (PROJECT_DIR / "docs" / "cloud.md").read_text()
    service, _, namespace = server["host"].partition(".")
    assert f"--name {namespace}" in document
    assert f"--name {service} " in document


def test_the_roles_allow_the_listed_actions_only() -> None:
    for role in ROLES:
        for statement in statements(role):
            assert statement["Effect"] == "Allow"
            assert not [action for action in actions(statement) if "*" in action]
    anywhere = {
        action for role in ROLES for s in statements(role) if s["Resource"] == "*"
        for action in actions(s)
    }  # fmt: skip
    # Amazon supports no narrower resource for these actions
    assert anywhere == {
        "ecs:DescribeTaskDefinition", "ec2:DescribeNetworkInterfaces", "ecr:GetAuthorizationToken",
    }  # fmt: skip
    secrets = {s["valueFrom"] for name in TASKS for s in container(name)["secrets"]}
    (read,) = [s for s in statements("execution") if "GetSecretValue" in str(s["Action"])]
    assert set(read["Resource"]) == secrets
    # the daemon passes to runs the roles of their task definition, and no others
    (passed,) = [s for s in statements("daemon") if actions(s) == ["iam:PassRole"]]
    run = task_definition("run")
    assert set(passed["Resource"]) == {run["taskRoleArn"], run["executionRoleArn"]}
    # docs/cloud_s3.md lists the S3 permissions of the role
    document = (PROJECT_DIR / "docs" / "cloud_s3.md").read_text()
    table = document.partition("## Permissions")[2].partition("\n\nWithout")[0]
    given = {action for s in statements("zones") for action in actions(s)}
    for action in given:
        if action.startswith("s3:"):
            assert f"`{action}`" in table


@pytest.fixture
def here(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, str]]:
    """Start a task in a cluster and a metadata endpoint, as in the container of the daemon."""
    for name, value in {
        "AWS_ENDPOINT_URL": server, "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    ec2, ecs = boto3.client("ec2"), boto3.client("ecs")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ecs.create_cluster(clusterName="dicom")
    for name in ("daemon", "run"):
        whole = task_definition(name)
        for each in whole["containerDefinitions"]:
            each["memory"] = int(whole["memory"])  # moto adds these up and requires them
        ecs.register_task_definition(**whole)
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
    task = ecs.run_task(
        cluster="dicom", taskDefinition="dicom-daemon", launchType="FARGATE",
        networkConfiguration=network,
    )["tasks"][0]  # fmt: skip

    class Metadata(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def do_GET(self) -> None:
            content = {"Cluster": "dicom", "TaskARN": task["taskArn"], "Name": "daemon"}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

    metadata = ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=metadata.serve_forever, daemon=True).start()
    monkeypatch.setenv(
        "ECS_CONTAINER_METADATA_URI_V4", f"http://127.0.0.1:{metadata.server_address[1]}"
    )
    yield ecs, subnet
    metadata.shutdown()
    metadata.server_close()


def test_the_launcher_starts_a_run_as_a_task_of_its_family(
    here: tuple[Any, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecs, subnet = here
    instance_page = yaml.safe_load((FOLDER / "dagster.yaml").read_text())
    instance_page["storage"] = {"sqlite": {"base_dir": str(tmp_path)}}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(instance_page))
    place = RemoteRepositoryOrigin(
        GrpcServerCodeLocationOrigin(host="127.0.0.1", port=4000, location_name="dicom_pipeline"),
        "__repository__",
    )
    name = "materialize_all_assets_job"
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        run = dg.DagsterRun(
            job_name=name,
            remote_job_origin=RemoteJobOrigin(place, name),
            job_code_origin=JobPythonOrigin(
                job_name=name,
                repository_origin=RepositoryPythonOrigin(
                    executable_path="/opt/venv/bin/python",
                    code_pointer=ModuleCodePointer("dicom_pipeline.definitions", "defs", "/app"),
                    container_image=None,
                    entry_point=["dagster"],
                    container_context={},
                ),
            ),
        )
        instance.add_run(run)
        instance.run_launcher.launch_run(LaunchRunContext(dagster_run=run, workspace=None))
    tasks = ecs.describe_tasks(
        cluster="dicom", tasks=ecs.list_tasks(cluster="dicom")["taskArns"]
    )["tasks"]  # fmt: skip
    (started,) = [task for task in tasks if "/dicom-run:" in task["taskDefinitionArn"]]
    (override,) = started["overrides"]["containerOverrides"]
    assert override["name"] == "run"
    assert override["command"][:3] == ["dagster", "api", "execute_run"]
    assert len(json.dumps(started["overrides"])) < 8192  # Amazon's limit
    families = ecs.list_task_definition_families()["families"]
    assert set(families) == {"dicom-daemon", "dicom-run"}  # it registers none
    (allowed,) = [s for s in statements("daemon") if s["Sid"] == "StartRuns"]
    arn = started["taskDefinitionArn"]
    assert fnmatch(arn.rpartition(":task-definition/")[2], "dicom-run:*")
    assert allowed["Resource"].endswith(":task-definition/dicom-run:*")
    assert subnet in json.dumps(started["attachments"])
