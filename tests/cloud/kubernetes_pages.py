"""The manifests of deploy/kubernetes, and the Job of a run.

Belongs here: reading them. Does not belong here: tests.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import dagster as dg
import kubernetes
import pytest
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import construct_dagster_k8s_job

from dicom_pipeline.config.project import PROJECT_DIR

FOLDER = PROJECT_DIR / "deploy" / "kubernetes"
PAGES = ("accounts", "code", "daemon", "namespace", "network", "warehouse", "webserver")


@cache
def documents() -> list[dict[str, Any]]:
    """Return all objects of the manifests."""
    return [
        document
        for page in PAGES
        for document in yaml.safe_load_all((FOLDER / f"{page}.yaml").read_text())
    ]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    """Return the objects of a kind by name."""
    return {d["metadata"]["name"]: d for d in documents() if d["kind"] == kind}


def settings_of_page() -> dict[str, str]:
    """Return the variables of settings.properties."""
    lines = (FOLDER / "settings.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def pod_of(deployment: dict[str, Any]) -> dict[str, Any]:
    """Return the specification of the pods of a Deployment."""
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def job_of_a_run(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the Job that Dagster's launcher creates by deploy/kubernetes/dagster.yaml."""
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
