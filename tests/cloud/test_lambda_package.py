"""The package of the function contains what it needs and little else; its template is valid."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dicom_pipeline.config.project import PROJECT_DIR
from tests.cloud.conftest import VARIABLES
from tests.cloud.front import Front
from tests.cloud.lambda_server import LambdaServer
from tests.cloud.test_lambda import load, on_lambda, pointed_at, put, rows
from tests.cloud.test_same_rows import workspace_on
from tests.support.dicom import wheel_files
from tools import lambda_package

TEMPLATE = PROJECT_DIR / "deploy" / "lambda" / "template.yaml"
UNWANTED = ("dagster", "dbt", "duckdb", "moto", "numpy", "pandas", "pebble", "snowflake")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the zip for this interpreter."""
    target = tmp_path_factory.mktemp("package") / "lambda.zip"
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    subprocess.run(
        [sys.executable, "-m", "tools.lambda_package", "--python", python, "--output", target],
        cwd=PROJECT_DIR, check=True, capture_output=True,
    )  # fmt: skip
    return target


@pytest.fixture(scope="module")
def unzipped(package: Path) -> Path:
    folder = package.parent / "task"
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


def test_the_package_is_small_and_contains_no_unneeded_module(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        entries = archive.infolist()
    assert (
        sum(entry.file_size for entry in entries) < 150_000_000 < lambda_package.MAX_UNZIPPED_BYTES
    )
    seeds = {entry.filename for entry in entries if entry.filename.startswith("dbt_snowflake/")}
    assert {Path(name).stem for name in seeds} == {
        "anonymization_mapping",
        "confidentiality_profile",
        "date_rules",
        "identity_attributes",
        "vr_functions",
    }
    names = {entry.filename.partition("/")[0].lower() for entry in entries} - {"dbt_snowflake"}
    assert not [name for name in names if name.startswith(UNWANTED)]
    ours = {entry.filename for entry in entries if entry.filename.startswith("dicom_pipeline/")}
    assert "dicom_pipeline/extract/lambda_/handler.py" in ours
    assert not [name for name in ours if "/orchestration/" in name or "/warehouse/" in name]
    assert {entry.date_time[0] for entry in entries} == {1980}


def test_the_handler_works_with_the_package_alone(unzipped: Path) -> None:
    code = (
        f"import sys, json; sys.path[:] = [p for p in sys.path if 'site-packages' not in p];"
        f"sys.path.insert(0, {str(unzipped)!r});"
        "from dicom_pipeline.extract.lambda_ import handler as a;"
        "print(json.dumps([a.__file__, a.handler({}, None), sorted(sys.modules)]))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, check=True, text=True, env={}
    )
    file, answer, loaded = json.loads(done.stdout)
    assert file.startswith(str(unzipped))
    assert answer == {"outcome": "failed"}
    assert not [name for name in loaded if name.startswith(UNWANTED)]


@pytest.mark.slow  # a quarter of a minute
def test_the_package_gives_the_rows_of_the_sample(
    unzipped: Path, bucket: str, plain: Any, server: str, front: Front, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """With the package and Lambda's runtime client only, as on Lambda."""
    beside = tmp_path / "runtime"
    beside.mkdir()
    installed = Path(sysconfig.get_paths()["platlib"])
    for pattern in ("awslambdaric", "runtime_client*", "simplejson", "snapshot_restore_py*"):
        for path in installed.glob(pattern):
            (beside / path.name).symlink_to(path)
    # an interpreter without the packages of this environment
    python = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    environment = VARIABLES | {
        "AWS_ENDPOINT_URL": server, "PYTHONPATH": os.pathsep.join([str(unzipped), str(beside)]),
        "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    put(plain, bucket, {path.name: path.read_bytes() for path in wheel_files()[:80]})
    made = LambdaServer(
        "dicom_pipeline.extract.lambda_.handler.handler", environment, unzipped, python=str(python)
    )
    try:
        pointed_at(made, monkeypatch)
        there = on_lambda(tmp_path / "a", bucket)
        load(there)
    finally:
        made.close()
    here = workspace_on(tmp_path / "b", f"s3://{bucket}/dicom", str(tmp_path / "raw"))
    load(here)
    assert rows(there.settings.raw_dir) == rows(here.settings.raw_dir)
    assert len(rows(there.settings.raw_dir)["images"]) > 20


def test_the_template_passes_its_linter() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from cfnlint.runner import main; sys.exit(main())",
         "--non-zero-exit-code", "informational",
         "--regions", "eu-central-1", "us-east-1", "--", str(TEMPLATE)],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


def test_the_template_and_the_package_agree() -> None:
    text = TEMPLATE.read_text()
    assert f"Runtime: python{lambda_package.PYTHON}\n" in text
    assert f"Handler: {lambda_package.HANDLER}.handler\n" in text
    code = re.search(r"CodeUri: (\S+)", text)
    assert code
    assert (TEMPLATE.parent / code[1]).resolve() == lambda_package.ZIP


def test_the_role_has_the_required_permissions_only() -> None:
    from cfnlint.decode import decode

    template, errors = decode(str(TEMPLATE))
    assert template is not None, errors
    resources = template["Resources"]
    kinds = sorted(resource["Type"] for resource in resources.values())
    assert kinds == [
        "AWS::IAM::ManagedPolicy", "AWS::IAM::Role", "AWS::Logs::LogGroup",
        "AWS::Serverless::Function",
    ]  # fmt: skip
    (policy,) = resources["Role"]["Properties"]["Policies"]
    allowed: dict[str, list[str]] = {}
    for entry in policy["PolicyDocument"]["Statement"]:
        statement = entry["Fn::If"][1] if "Fn::If" in entry else entry
        actions = statement["Action"]
        allowed[statement["Sid"]] = [actions] if isinstance(actions, str) else list(actions)
        assert statement["Resource"] != "*"
    assert allowed == {
        "ReadLandingZone": ["s3:GetObject"],
        "WriteBatches": ["s3:PutObject"],
        "WriteLogs": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "DecryptLandingZone": ["kms:Decrypt"],
        "EncryptBatches": ["kms:GenerateDataKey"],
    }
    assert "*" not in json.dumps(list(allowed.values()))
