"""The pages for Kubernetes, by its own schemas and by Dagster's own launcher."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import kubernetes
import kubernetes_validate
import pytest
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import construct_dagster_k8s_job

from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.config.settings import load_settings
from tests.endtoend.conftest import Site
from tests.orchestration.dev_server import DevServer, wait_for

from .kubernetes_server import KubernetesServer
from .postgres_server import PostgresServer, postgres  # noqa: F401

FOLDER = PROJECT_DIR / "deploy" / "kubernetes"
PAGES = ("accounts", "code", "daemon", "namespace", "network", "warehouse", "webserver")
VERSION = "1.31"


def documents() -> list[dict[str, Any]]:
    return [
        document
        for page in PAGES
        for document in yaml.safe_load_all((FOLDER / f"{page}.yaml").read_text())
    ]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {d["metadata"]["name"]: d for d in documents() if d["kind"] == kind}


def settings_of_page() -> dict[str, str]:
    lines = (FOLDER / "settings.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def pod_of(deployment: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The Job that Dagster's launcher makes for a run by the page."""
    monkeypatch.setattr(kubernetes.config, "load_incluster_config", lambda: None)
    for name, value in {**settings_of_page(), "DAGSTER_PG_PASSWORD": "x"}.items():
        monkeypatch.setenv(name, value)
    data = InstanceRef.from_dir(str(FOLDER)).run_launcher_data
    assert data is not None
    launcher = data.rehydrate(as_type=K8sRunLauncher)
    run = dg.DagsterRun(job_name="materialize_all_assets_job")
    context = K8sContainerContext.create_for_run(run, launcher, include_run_tags=True)
    made = construct_dagster_k8s_job(
        context.get_k8s_job_config("registry.example.org/dicom-pipeline:0.1.0", launcher),
        args=["dagster", "api", "execute_run", "{}"],
        job_name="dagster-run-1",
        user_defined_k8s_config=context.run_k8s_config,
    )
    plain: dict[str, Any] = kubernetes.client.ApiClient().sanitize_for_serialization(made)
    return plain


def test_every_page_is_what_kubernetes_takes() -> None:
    for document in documents():
        kubernetes_validate.validate(document, VERSION, strict=True)


def test_the_job_of_a_run_is_what_kubernetes_takes(job: dict[str, Any]) -> None:
    kubernetes_validate.validate(job, VERSION, strict=True)


def test_a_run_sees_what_the_code_server_sees_on_the_same_node(job: dict[str, Any]) -> None:
    code = pod_of(of_kind("Deployment")["dicom-code"])
    run = job["spec"]["template"]["spec"]
    (ours,), (container,) = code["containers"], run["containers"]
    of_run = {m["mountPath"]: m for m in container["volumeMounts"]}
    assert {m["mountPath"]: m for m in ours["volumeMounts"] if m["name"] != "dagster"} == of_run
    assert [v for v in code["volumes"] if v["name"] != "dagster"] == run["volumes"]
    assert run["securityContext"] == code["securityContext"]
    assert container["securityContext"] == ours["securityContext"]
    assert run["serviceAccountName"] == code["serviceAccountName"]
    (rule,) = run["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    labels = of_kind("Deployment")["dicom-code"]["spec"]["template"]["metadata"]["labels"]
    assert rule["labelSelector"]["matchLabels"].items() <= labels.items()
    assert not run["automountServiceAccountToken"]
    assert {m["configMapRef"]["name"] for m in container["envFrom"] if "configMapRef" in m} == {
        "dicom-settings"
    }


def test_what_a_page_names_is_made_by_another_or_told_of_in_the_documents(
    job: dict[str, Any],
) -> None:
    made = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    assert {f"{page}.yaml" for page in PAGES} == set(made["resources"])
    maps = {each["name"] for each in made["configMapGenerator"]}
    document = (PROJECT_DIR / "docs" / "cloud.md").read_text()
    pods = [pod_of(d) for d in of_kind("Deployment").values()] + [job["spec"]["template"]["spec"]]
    for pod in pods:
        assert pod["serviceAccountName"] in of_kind("ServiceAccount")
        for volume in pod["volumes"]:
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in of_kind(
                    "PersistentVolumeClaim"
                )
            if "configMap" in volume:
                assert volume["configMap"]["name"] in maps
            if "secret" in volume:
                assert f"secret generic {volume['secret']['secretName']}" in document
        for container in pod["containers"]:
            for source in container["envFrom"]:
                for kind, reference in source.items():
                    if kind == "configMapRef":
                        assert reference["name"] in maps
                    else:
                        assert f"secret generic {reference['name']}" in document
    (image,) = made["images"]
    tag = f"{image['newName']}:{image['newTag']}"
    code = pod_of(of_kind("Deployment")["dicom-code"])["containers"][0]
    assert code["image"] == image["name"]
    assert {"name": "DAGSTER_CURRENT_IMAGE", "value": tag} in code["env"]


def test_only_the_code_server_and_runs_see_zones_and_the_key() -> None:
    for name, deployment in of_kind("Deployment").items():
        volumes = {volume["name"] for volume in pod_of(deployment)["volumes"]}
        assert ({"warehouse", "key"} <= volumes) == (name == "dicom-code")


def test_the_settings_are_some_that_the_pipeline_takes(tmp_path: Path) -> None:
    settings = load_settings({k: v for k, v in settings_of_page().items() if "DICOM" in k})
    mounts = pod_of(of_kind("Deployment")["dicom-code"])["containers"][0]["volumeMounts"]
    assert settings.pseudonym_key_file is not None
    assert str(settings.pseudonym_key_file.parent) in {mount["mountPath"] for mount in mounts}
    for name in settings_of_page():
        assert not any(word in name for word in ("PASSWORD", "SECRET_ACCESS", "PASSPHRASE"))
    text = (FOLDER / "dagster.yaml").read_text()
    wanted = {word.rstrip("}") for word in text.split() if word.startswith("DAGSTER_PG")}
    assert wanted - settings_of_page().keys() == {"DAGSTER_PG_PASSWORD"}


@pytest.fixture
def cluster(tmp_path: Path, postgres: PostgresServer) -> Iterator[tuple[Site, KubernetesServer]]:  # noqa: F811
    site = Site(tmp_path)
    site.environment |= postgres.environment("cluster")
    environment = {
        **os.environ, **site.environment, "PYTHONPATH": str(PROJECT_DIR),
        "DAGSTER_CURRENT_IMAGE": "registry.example.org/dicom-pipeline:0.1.0",
    }  # fmt: skip
    server = KubernetesServer(tmp_path, environment, PROJECT_DIR)
    yield site, server
    server.close()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_daemon_starts_runs_as_jobs_that_publish(
    cluster: tuple[Site, KubernetesServer], tmp_path: Path
) -> None:
    """Files are found by the sensor, each run is a Job of its own, and rows are published."""
    site, server = cluster
    site.put("CT_small.dcm", "MR_small.dcm")
    page = yaml.safe_load((FOLDER / "dagster.yaml").read_text())
    # outside of a cluster there is no service account to log in with
    page["run_launcher"]["config"] |= {
        "load_incluster_config": False, "kubeconfig_file": str(server.kubeconfig),
        "dagster_home": site.environment["DAGSTER_HOME"],
    }  # fmt: skip
    (tmp_path / "page.yaml").write_text(yaml.safe_dump(page))
    environment = {k: v for k, v in site.environment.items() if k != "DAGSTER_HOME"}
    environment["DAGSTER_CURRENT_IMAGE"] = "registry.example.org/dicom-pipeline:0.1.0"
    home = Path(site.environment["DAGSTER_HOME"])
    with DevServer(environment, home, page=tmp_path / "page.yaml") as dev:
        dev.toggle_on("file_arrival_sensor")
        dev.toggle_on("automation_sensor")
        wait_for(site.database.exists, seconds=300, what="the published file")
        ended = {"SUCCESS", "FAILURE", "CANCELED"}
        wait_for(lambda: {r["status"] for r in dev.runs()} <= ended, seconds=60, what="all runs")
        runs = dev.runs()
    assert {run["status"] for run in runs} == {"SUCCESS"}, runs
    assert len(server.jobs) == len(runs) >= 3
    assert site.ask("select count(*) from processed.processed_images") == [(2,)]
    for job in server.jobs.values():
        kubernetes_validate.validate(job, VERSION, strict=True)
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert container["image"] == "registry.example.org/dicom-pipeline:0.1.0"
        assert site.environment["DAGSTER_PG_PASSWORD"] not in str(job)
