"""Container image, tested without an engine: linter, and what the instructions copy.

The content runs in test_deployment_start.py.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from dicom_pipeline.config.project import PROJECT_DIR

from .container import CONTAINERFILE, context, copies, instructions


def test_hadolint_reports_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, CONTAINERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_image_has_a_tag_and_the_user_is_not_root() -> None:
    given = instructions()
    bases = [arguments for name, arguments in given if name == "ARG" and "BASE=" in arguments]
    assert re.fullmatch(r"BASE=python:3\.\d+-slim-\w+", bases[0])
    assert [arguments for name, arguments in given if name == "FROM"] == [
        "${BASE} AS packages", "${BASE}",
    ]  # fmt: skip
    users = [arguments for name, arguments in given if name == "USER"]
    assert users == ["10001:10001"]  # numeric, so that Kubernetes can check that it is not root


def test_packages_are_installed_from_the_lock_file_with_hashes() -> None:
    (install,) = [a for name, a in instructions() if name == "RUN" and "pip install" in a]
    assert "--require-hashes" in install
    assert "--only-binary=:all:" in install
    pins = {
        name: set(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([^ ;\\]+)", text, re.MULTILINE))
        for name in ("requirements.lock", "requirements-deploy.lock")
        for text in [(PROJECT_DIR / name).read_text()]
    }
    assert pins["requirements.lock"] < pins["requirements-deploy.lock"]
    more = {name for name, _ in pins["requirements-deploy.lock"] - pins["requirements.lock"]}
    assert {"dagster-aws", "dagster-k8s", "dagster-postgres", "psycopg2-binary"} <= more


def test_no_secret_is_in_a_layer() -> None:
    given = [arguments for name, arguments in instructions() if name in ("ENV", "ARG")]
    for variable in re.findall(r"(\w+)=", " ".join(given)):
        assert not re.search("KEY|SECRET|PASSWORD|TOKEN|PASSPHRASE", variable), variable


def test_data_keys_and_history_are_not_in_the_build_context(tmp_path: Path) -> None:
    secrets = [
        ".git/config", ".dagster/storage/runs.db", ".env", ".venv/bin/python", "dicom.duckdb",
        "data/dicom-files/a.dcm", "data/raw/images/p.parquet", "data/warehouse/pseudonym.key",
        "dbt_snowflake/target/manifest.json", "dbt_snowflake/logs/dbt.log", "snowflake_key.p8",
        "deploy/kubernetes/secret.env", "deploy/pseudonym.key", "resources/x.duckdb",
        "dicom_pipeline/__pycache__/cli.pyc", "tests/x.dcm", "dist/lambda.zip",
        "dbt_snowflake/config/key.pem",
    ]  # fmt: skip
    wanted = ["dicom_pipeline/cli/app.py", "dbt_snowflake/seeds/s.csv", "requirements-deploy.lock"]
    for name in (*secrets, *wanted):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert context(tmp_path) == set(wanted)


def test_every_copied_path_is_in_the_build_context() -> None:
    sent = context(PROJECT_DIR)
    for sources, _ in copies():
        for source in sources:
            assert any(f == source or f.startswith(f"{source}/") for f in sent), source
