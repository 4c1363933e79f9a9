"""CI, Compose, pre-commit, dependabot, lock files and pyproject.toml fit together."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.config.settings import _DEFAULTS, load_settings
from tests.conftest import CHECK

MAKEFILE = (PROJECT_DIR / "Makefile").read_text()
CONTAINERFILE = (PROJECT_DIR / "deploy" / "Containerfile").read_text()
COMPOSE = PROJECT_DIR / "docker-compose.yaml"
WORKFLOW = PROJECT_DIR / ".github" / "workflows" / "ci.yml"
DEPENDABOT = PROJECT_DIR / ".github" / "dependabot.yml"
CI = PROJECT_DIR / ".ci" / "run"
LOCKS = sorted(PROJECT_DIR.glob("requirements*.lock"))
PYPROJECT = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())


def page(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = page(COMPOSE)["services"][name]
    return found


def make_targets(text: str) -> list[str]:
    return re.findall(r"^(?:exec |\s*- run: )?make ([a-z_-]+)$", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("compose-spec", COMPOSE),
        ("github-workflows", WORKFLOW),
        ("dependabot", DEPENDABOT),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_is_valid_by_the_schema_of_the_tool_that_reads_it(schema: str, path: Path) -> None:
    check = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [check, "--builtin-schema", f"vendor.{schema}", path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


# --- CI


def test_ci_and_the_workflow_run_the_same_targets_which_make_up_make_check() -> None:
    assert make_targets(CI.read_text()) == ["fakesnow", "test", "check-rest"]
    assert make_targets(WORKFLOW.read_text()) == ["fakesnow", "test", "check-rest"]
    assert re.search(r"^check: test check-rest\b", MAKEFILE, re.MULTILINE)
    for target in make_targets(CI.read_text()):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


def test_the_script_of_ci_is_valid_bash() -> None:
    subprocess.run(["bash", "-n", CI], check=True)


def test_the_workflow_may_only_read_and_pins_the_major_version_of_each_action() -> None:
    workflow = page(WORKFLOW)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        for step in job["steps"]:
            assert "uses" not in step or re.fullmatch(r"[\w./-]+@v\d+", step["uses"]), step


def test_tests_marked_check_run_in_make_check_and_those_marked_slow_do_not() -> None:
    options = PYPROJECT["tool"]["pytest"]["ini_options"]
    assert "-m 'not slow and not check'" in options["addopts"]
    assert {marker.partition(":")[0] for marker in options["markers"]} == {"check", "slow"}
    recipe = re.search(r"^check-rest:.*\n\t@(.*)$", MAKEFILE, re.MULTILINE)
    assert recipe
    assert recipe[1] == "$(BIN)/python -m pytest -m check"
    for name in CHECK:
        assert (PROJECT_DIR / name).exists(), name
    wanted = ("purge", "purge_again", "rotate_key", "upgrade")
    assert {f"tests/endtoend/test_{name}.py" for name in wanted} < set(CHECK)
    assert "tests/warehouse/test_incremental.py" in CHECK


def test_dependabot_watches_packages_actions_and_the_image() -> None:
    updates = page(DEPENDABOT)["updates"]
    assert {u["package-ecosystem"] for u in updates} == {"pip", "github-actions", "docker"}
    for update in updates:
        folder = PROJECT_DIR / update["directory"].strip("/")
        assert folder.is_dir()


def test_the_hooks_are_the_commands_of_make_lint() -> None:
    (repository,) = page(PROJECT_DIR / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"  # nothing is downloaded
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert recipe
    wanted = re.sub(r"\$\(BIN\)", ".venv/bin", recipe[1])
    wanted = {line.lstrip("\t@") for line in wanted.splitlines()}
    given = {hook["entry"].replace(" --force-exclude", "") for hook in repository["hooks"]}
    given = {re.sub(r"^sh -c '(.*)'$", r"\1", entry) for entry in given}
    assert given == wanted


# --- Compose


def test_compose_has_the_four_services_and_each_reports_its_health() -> None:
    services = page(COMPOSE)["services"]
    assert set(services) == {"postgres", "code", "daemon", "webserver"}
    for name, given in services.items():
        assert given["healthcheck"]["test"][0] == "CMD", name
        assert given["restart"] == "unless-stopped", name


def test_services_of_this_project_have_no_rights_and_the_user_of_the_image() -> None:
    assert "USER 10001:10001" in CONTAINERFILE
    for name in ("code", "daemon", "webserver"):
        given = service(name)
        assert given["user"] == "10001:10001"
        assert given["cap_drop"] == ["ALL"]
        assert given["security_opt"] == ["no-new-privileges:true"]


def test_only_the_code_service_sees_zones_and_the_key() -> None:
    private = {"raw", "warehouse", "published"}
    for name, given in page(COMPOSE)["services"].items():
        text = str([given.get("volumes"), given.get("environment"), given.get("secrets")])
        named = any(f"'{volume}:" in text for volume in private) or "PSEUDONYM" in text
        assert named == (name == "code"), name
        assert ("/data/landing" in text) == (name == "code"), name


def test_the_landing_zone_is_mounted_read_only() -> None:
    binds = [volume for volume in service("code")["volumes"] if isinstance(volume, dict)]
    assert [(bind["target"], bind["read_only"]) for bind in binds] == [("/data/landing", True)]


def test_a_service_with_a_secret_of_a_variable_can_be_written_to_as_compose_demands() -> None:
    for name, given in page(COMPOSE)["services"].items():
        assert not (given.get("secrets") and given.get("read_only")), name
    assert service("daemon")["read_only"]
    assert service("webserver")["read_only"]


def test_no_value_of_a_secret_is_in_the_file() -> None:
    for name, given in page(COMPOSE)["services"].items():
        for variable, value in given["environment"].items():
            if re.search("PASSWORD|SECRET|TOKEN|_KEY$", variable):
                assert value is None or value.startswith("${"), (name, variable)
    assert page(COMPOSE)["secrets"] == {"pseudonym_key": {"environment": "DICOM_PSEUDONYM_KEY"}}


def test_every_variable_of_the_code_service_is_a_setting_or_one_of_postgresql_or_aws() -> None:
    given = service("code")["environment"]
    others = {name for name in given if name not in _DEFAULTS}
    assert all(name.startswith(("DAGSTER_PG_", "AWS_")) for name in others), others
    # with the defaults of the file, the settings are accepted
    values = {name: re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", value) for name, value in given.items()
              if value is not None and name in _DEFAULTS}  # fmt: skip
    settings = load_settings(values)
    assert str(settings.landing) == "/data/landing"


def test_variables_of_the_instance_are_given_to_every_service_of_dagster() -> None:
    instance = (PROJECT_DIR / "deploy" / "dagster.yaml").read_text()
    wanted = set(re.findall(r"\{env: (\w+)\}", instance))
    for name in ("code", "daemon", "webserver"):
        assert wanted <= service(name)["environment"].keys(), name


def test_volumes_are_declared_and_the_image_has_their_directories_for_its_user() -> None:
    declared = page(COMPOSE)["volumes"]
    installed = re.findall(r"install -d -o dicom -g dicom (?:-m 0700 )?([^&]*)", CONTAINERFILE)
    directories = {word for words in installed for word in words.replace("\\", "").split()}
    used = set()
    for name, given in page(COMPOSE)["services"].items():
        for volume in given.get("volumes", []):
            if isinstance(volume, str):
                source, target = volume.split(":")
                used.add(source)
                assert name == "postgres" or target in directories, target
    assert used == set(declared)
    assert re.search(r"-m 0700 /data/raw /data/warehouse", CONTAINERFILE)


def test_the_web_server_is_published_on_this_machine_only() -> None:
    for name, given in page(COMPOSE)["services"].items():
        assert bool(given.get("ports")) == (name == "webserver")
    assert all(port.startswith("127.0.0.1:") for port in service("webserver")["ports"])
    assert page(COMPOSE)["networks"]["database"]["internal"] is True


def test_daemon_and_web_server_find_the_code_server() -> None:
    (config,) = page(COMPOSE)["configs"].values()
    (location,) = page(PROJECT_DIR / config["file"])["load_from"]
    server = location["grpc_server"]
    assert server["host"] in page(COMPOSE)["services"]
    assert f"EXPOSE {server['port']}" in CONTAINERFILE
    for name in ("daemon", "webserver"):
        (mounted,) = service(name)["configs"]
        assert mounted["target"] in " ".join(service(name)["command"])


# --- dependencies


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_lock_files_have_hashes_and_no_index_url(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    for entry in re.split(r"\n(?=[A-Za-z0-9])", text):
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_the_lock_of_development_has_all_pins_of_the_others() -> None:
    pin = re.compile(r"^[\w.-]+(?:\[[\w,-]+\])?==[^ \\]+", re.MULTILINE)
    pins = {path.name: set(pin.findall(path.read_text())) for path in LOCKS}
    others = pins["requirements.lock"] | pins["requirements-deploy.lock"]
    assert others <= pins["requirements-dev.lock"]


def test_uv_is_pinned_in_one_place() -> None:
    (pin,) = PYPROJECT["dependency-groups"]["uv"]
    assert (PROJECT_DIR / "requirements-uv.lock").read_text().startswith(f"{pin} \\\n")
    for name in ("Makefile", "tools/install_packages.py", ".ci/run"):
        assert pin.partition("==")[2] not in (PROJECT_DIR / name).read_text()


def normalized(requirement: str) -> str:
    name = re.split(r"[\[<>=;! ]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_that_is_imported_is_declared() -> None:
    extras = PYPROJECT["project"]["optional-dependencies"]
    declared = {normalized(r) for r in PYPROJECT["project"]["dependencies"]}
    declared |= {normalized(r) for requirements in extras.values() for r in requirements}
    declared |= {"dicom-pipeline", "botocore"}  # botocore: a part of boto3
    owners = packages_distributions()
    for path in sorted((PROJECT_DIR / "dicom_pipeline").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                top = name.partition(".")[0]
                if top in sys.stdlib_module_names or top not in owners:
                    continue
                found = {normalized(owner) for owner in owners[top]}
                assert found & declared, f"{path}: {name} is of {found}"
