"""Kubernetes manifests, checked with the schemas of Kubernetes and with Dagster's launcher."""

from __future__ import annotations

import os
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.config.settings import SettingsError, load_settings
from tests.endtoend.conftest import Site
from tests.orchestration.dev_server import DevServer, wait_for

from .container import variables
from .kubernetes_pages import FOLDER, PAGES, documents, of_kind, pod_of, settings_of_page
from .kubernetes_server import KubernetesServer
from .postgres_server import PostgresServer, postgres  # noqa: F401

VERSION = "1.31"


def test_every_manifest_is_valid() -> None:
    for document in documents():
        kubernetes_validate.validate(document, VERSION, strict=True)


def test_the_job_of_a_run_is_valid(job: dict[str, Any]) -> None:
    kubernetes_validate.validate(job, VERSION, strict=True)


def test_a_run_has_the_volumes_and_the_node_of_the_code_server(job: dict[str, Any]) -> None:
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


def test_every_reference_in_a_manifest_is_defined_or_documented(
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
            if "configMap" in volume and volume["configMap"]["name"] not in maps:
                assert f"configmap {volume['configMap']['name']}" in document
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


def test_only_the_code_server_deployment_mounts_the_zones_and_the_key() -> None:
    for name, deployment in of_kind("Deployment").items():
        volumes = {volume["name"] for volume in pod_of(deployment)["volumes"]}
        assert bool({"data", "key"} & volumes) == (name == "dicom-code")


def test_the_root_of_the_volume_is_mounted(job: dict[str, Any]) -> None:
    """A directory of a subPath belongs to root: the pod cannot make it private."""
    pods = [pod_of(d) for d in of_kind("Deployment").values()] + [job["spec"]["template"]["spec"]]
    for pod in pods:
        for mount in pod["containers"][0]["volumeMounts"]:
            assert "subPath" not in mount
    directories = variables()
    for name in ("DICOM_WAREHOUSE_DIR", "DBT_DATABASE_NAME", "DBT_TARGET_PATH"):
        assert Path("/data") in Path(directories[name]).parents


def test_no_pod_has_variables_of_services(job: dict[str, Any]) -> None:
    """The name of a Service starts with dicom, and so would its variables, which are refused."""
    for deployment in of_kind("Deployment").values():
        assert not pod_of(deployment)["enableServiceLinks"]
    assert not job["spec"]["template"]["spec"]["enableServiceLinks"]
    with pytest.raises(SettingsError):
        load_settings({"DICOM_CODE_SERVICE_HOST": "10.0.0.1"})


def test_only_the_daemon_has_a_token_and_the_permission_to_start_runs(job: dict[str, Any]) -> None:
    pods = {name: pod_of(d) for name, d in of_kind("Deployment").items()}
    pods["dicom-run"] = job["spec"]["template"]["spec"]
    assert {name: pod["serviceAccountName"] for name, pod in pods.items()} == {
        "dicom-code": "dicom-zones", "dicom-run": "dicom-zones", "dicom-daemon": "dicom-daemon",
        "dicom-webserver": "dicom-webserver",
    }  # fmt: skip
    for name, pod in pods.items():
        assert pod["automountServiceAccountToken"] == (name == "dicom-daemon"), name
    assert not any(a["automountServiceAccountToken"] for a in of_kind("ServiceAccount").values())
    (binding,) = of_kind("RoleBinding").values()
    assert [subject["name"] for subject in binding["subjects"]] == ["dicom-daemon"]
    for rule in of_kind("Role")[binding["roleRef"]["name"]]["rules"]:
        assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
        assert "secrets" not in rule["resources"]


def test_every_deployment_has_a_startup_a_readiness_and_a_liveness_probe() -> None:
    for deployment in of_kind("Deployment").values():
        (container,) = pod_of(deployment)["containers"]
        kinds = {k: container[f"{k}Probe"] for k in ("startup", "readiness", "liveness")}
        actions = [p.get("exec") or p.get("grpc") or p.get("httpGet") for p in kinds.values()]
        assert actions[0] is not None
        assert actions == [actions[0]] * 3
        # a container has five minutes to start
        startup = kinds["startup"]
        assert startup["periodSeconds"] * startup["failureThreshold"] >= 300


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Return whether a label selector of Kubernetes selects labels."""
    given = [
        {"key": key, "operator": "In", "values": [value]}
        for key, value in selector.get("matchLabels", {}).items()
    ]
    rules = given + selector.get("matchExpressions", [])
    assert all(rule["operator"] == "In" for rule in rules)
    return all(labels.get(rule["key"]) in rule["values"] for rule in rules)


def allows(peers: list[dict[str, Any]], other: str, namespace: str) -> bool:
    """Return whether a list of peers has a pod (by its app) or an address."""
    for peer in peers:
        if "ipBlock" in peer:
            if other[0].isdigit():
                address, block = ip_address(other), peer["ipBlock"]
                inside = address in ip_network(block["cidr"])
                if inside and not any(address in ip_network(x) for x in block.get("except", [])):
                    return True
        elif "namespaceSelector" in peer:
            if selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": namespace}):
                return True
        elif namespace == "dicom" and selects(peer["podSelector"], {"app": other}):
            return True
    return False


def can_connect(one: str, other: str, port: int, protocol: str = "TCP", at: str = "dicom") -> bool:
    """Return whether the policies let a pod of this namespace connect, by the rules of the API."""

    def passes(direction: str, pod: str, peer: str, namespace: str) -> bool:
        policies = [
            policy["spec"] for policy in of_kind("NetworkPolicy").values()
            if direction in policy["spec"]["policyTypes"]
            and selects(policy["spec"]["podSelector"], {"app": pod})
        ]  # fmt: skip
        key, peers = ("egress", "to") if direction == "Egress" else ("ingress", "from")
        return not policies or any(
            allows(rule[peers], peer, namespace)
            and any(p["port"] == port and p["protocol"] == protocol for p in rule["ports"])
            for policy in policies
            for rule in policy.get(key, [])
        )

    if not passes("Egress", one, other, at):
        return False
    return at != "dicom" or other[0].isdigit() or passes("Ingress", other, one, "dicom")


PODS = ("dicom-code", "dicom-run", "dicom-daemon", "dicom-webserver")


def test_the_policies_allow_only_the_connections_that_are_needed() -> None:
    database, api, s3, metadata = "192.0.2.10", "192.0.2.20", "52.219.1.1", "169.254.169.254"
    names = {(pod, "coredns", 53, protocol) for pod in PODS for protocol in ("UDP", "TCP")}
    assert all(can_connect(*each, at="kube-system") for each in names)
    allowed = {
        *((pod, database, 5432) for pod in PODS),
        ("dicom-code", s3, 443), ("dicom-run", s3, 443),
        ("dicom-daemon", "dicom-code", 4000), ("dicom-webserver", "dicom-code", 4000),
        ("dicom-daemon", api, 443), ("dicom-daemon", api, 6443),
    }  # fmt: skip
    # the address of the API in this file is a public one
    assert can_connect("dicom-code", api, 443)
    allowed |= {(pod, address, 443) for pod in ("dicom-code", "dicom-run")
                for address in (database, api)}  # fmt: skip
    others = [*PODS, database, api, s3, metadata, "10.1.2.3", "192.168.0.1"]
    ports = (22, 53, 80, 443, 3000, 4000, 5432, 6443)
    found = {(pod, other, port) for pod in PODS for other in others for port in ports
             if can_connect(pod, other, port)}  # fmt: skip
    assert found == allowed
    # pods of other namespaces and of no known kind reach nothing
    assert not any(can_connect("other", pod, 4000) for pod in PODS)


def test_the_pods_have_the_labels_of_the_policies(job: dict[str, Any]) -> None:
    templates = [d["spec"]["template"] for d in of_kind("Deployment").values()]
    labels = {each["metadata"]["labels"]["app"] for each in (*templates, job["spec"]["template"])}
    assert labels == set(PODS)


def test_the_certificate_and_the_name_of_postgresql_are_checked(job: dict[str, Any]) -> None:
    settings = settings_of_page()
    assert settings["PGSSLMODE"] == "verify-full"
    pods = [pod_of(d) for d in of_kind("Deployment").values()] + [job["spec"]["template"]["spec"]]
    for pod in pods:
        mounts = {m["mountPath"]: m["name"] for m in pod["containers"][0]["volumeMounts"]}
        volume = mounts[str(Path(settings["PGSSLROOTCERT"]).parent)]
        assert {"name": volume, "configMap": {"name": "dicom-postgres-ca"}} in pod["volumes"]


def test_the_kubernetes_settings_are_valid(tmp_path: Path) -> None:
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
    """The sensor finds files, each run is a separate Job, and rows are published."""
    site, server = cluster
    site.put("CT_small.dcm", "MR_small.dcm")
    page = yaml.safe_load((FOLDER / "dagster.yaml").read_text())
    # outside a cluster there is no service account
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
