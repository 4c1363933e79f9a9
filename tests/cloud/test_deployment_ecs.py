"""The pages for ECS: by Amazon's own model of its API, and by Dagster's own launcher."""

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

FOLDER = PROJECT_DIR / "deploy" / "ecs"
REGION = "eu-central-1"


def task_definition() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / "task-definition.json").read_text())
    return content


def container(name: str) -> dict[str, Any]:
    (found,) = [c for c in task_definition()["containerDefinitions"] if c["name"] == name]
    return dict(found)


def statements(page: str) -> list[dict[str, Any]]:
    content = json.loads((FOLDER / f"{page}.json").read_text())
    assert content["Version"] == "2012-10-17"
    found: list[dict[str, Any]] = content["Statement"]
    return found


def actions(statement: dict[str, Any]) -> list[str]:
    given = statement["Action"]
    return [given] if isinstance(given, str) else list(given)


def test_the_task_definition_is_what_the_service_takes() -> None:
    model = botocore.session.get_session().get_service_model("ecs")
    shape = model.operation_model("RegisterTaskDefinition").input_shape
    report = ParamValidator().validate(task_definition(), shape)
    assert not report.has_errors(), report.generate_report()


def test_secrets_are_named_and_not_told() -> None:
    for each in task_definition()["containerDefinitions"]:
        for variable in each["environment"]:
            words = ("PASSWORD", "SECRET", "KEY", "TOKEN")
            assert not any(word in variable["name"] for word in words), variable
        assert all(s["valueFrom"].startswith("arn:aws:secretsmanager:") for s in each["secrets"])
    # the web server sees no zone
    assert {s["name"] for s in container("webserver")["secrets"]} == {"DAGSTER_PG_PASSWORD"}
    assert container("webserver")["mountPoints"] == []


def test_the_settings_are_some_that_the_pipeline_takes() -> None:
    given = {e["name"]: e["value"] for e in container("daemon")["environment"]}
    settings = load_settings(given)
    assert not settings.has_default_dagster_home
    assert str(settings.dagster_home) == "/app/deploy/ecs"
    page = (FOLDER / "dagster.yaml").read_text()
    wanted = {word.rstrip("}") for word in page.split() if word.startswith("DAGSTER_PG")}
    assert wanted - given.keys() == {"DAGSTER_PG_PASSWORD"}


def test_the_roles_allow_what_is_named_and_nothing_else() -> None:
    for page in ("task-role", "execution-role"):
        for statement in statements(page):
            assert statement["Effect"] == "Allow"
            assert not [action for action in actions(statement) if "*" in action]
    anywhere = {
        action for page in ("task-role", "execution-role") for s in statements(page)
        if s["Resource"] == "*" for action in actions(s)
    }  # fmt: skip
    # of which Amazon knows no narrower form
    assert anywhere == {
        "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition", "ec2:DescribeNetworkInterfaces",
        "ecr:GetAuthorizationToken",
    }  # fmt: skip
    secrets = {s["valueFrom"] for c in task_definition()["containerDefinitions"]
               for s in c["secrets"]}  # fmt: skip
    (read,) = [s for s in statements("execution-role") if "GetSecretValue" in str(s["Action"])]
    assert set(read["Resource"]) == secrets
    # what docs/cloud_s3.md asks for is what the role has
    document = (PROJECT_DIR / "docs" / "cloud_s3.md").read_text()
    table = document.partition("## Permissions")[2].partition("\n\nWithout")[0]
    given = {action for s in statements("task-role") for action in actions(s)}
    for action in given:
        if action.startswith("s3:"):
            assert f"`{action}`" in table


@pytest.fixture
def here(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, str]]:
    """As in the daemon's container: a task of a cluster, and the address that tells of it."""
    for name, value in {
        "AWS_ENDPOINT_URL": server, "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    ec2, ecs = boto3.client("ec2"), boto3.client("ecs")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ecs.create_cluster(clusterName="dicom")
    whole = task_definition()
    for each in whole["containerDefinitions"]:
        each["memory"] = 8192  # the server adds them up, and cannot do without
    ecs.register_task_definition(**whole)
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
    task = ecs.run_task(
        cluster="dicom", taskDefinition="dicom-pipeline", launchType="FARGATE",
        networkConfiguration=network,
    )["tasks"][0]  # fmt: skip

    class Metadata(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def do_GET(self) -> None:
            told = {"Cluster": "dicom", "TaskARN": task["taskArn"], "Name": "daemon"}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

    metadata = ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=metadata.serve_forever, daemon=True).start()
    monkeypatch.setenv(
        "ECS_CONTAINER_METADATA_URI_V4", f"http://127.0.0.1:{metadata.server_address[1]}"
    )
    yield ecs, subnet
    metadata.shutdown()
    metadata.server_close()


def test_the_launcher_starts_a_run_as_a_task_like_the_daemons(
    here: tuple[Any, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecs, subnet = here
    page = yaml.safe_load((FOLDER / "dagster.yaml").read_text())
    page["storage"] = {"sqlite": {"base_dir": str(tmp_path)}}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(page))
    image = container("daemon")["image"]
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
                    container_image=image,
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
    (started,) = [task for task in tasks if "/dicom_" in task["taskDefinitionArn"]]
    (override,) = started["overrides"]["containerOverrides"]
    assert override["command"][:3] == ["dagster", "api", "execute_run"]
    assert len(json.dumps(started["overrides"])) < 8192  # Amazon's limit
    made = ecs.describe_task_definition(taskDefinition=started["taskDefinitionArn"])
    made = made["taskDefinition"]
    (of_run,) = made["containerDefinitions"]
    for key in ("image", "secrets", "mountPoints", "linuxParameters"):
        assert of_run[key] == container("daemon")[key]
    assert [v["name"] for v in made["volumes"]] == ["warehouse", "published"]
    assert (made["cpu"], made["memory"]) == ("2048", "8192")
    assert made["taskRoleArn"] == task_definition()["taskRoleArn"]
    assert "healthCheck" not in of_run
    (allowed,) = [s for s in statements("task-role") if s["Sid"] == "StartRuns"]
    arn = started["taskDefinitionArn"]
    assert fnmatch(arn.rpartition(":task-definition/")[2], "dicom_*")
    assert allowed["Resource"].endswith(":task-definition/dicom_*")
    assert subnet in json.dumps(started["attachments"])
