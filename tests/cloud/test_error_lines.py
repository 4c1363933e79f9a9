"""Errors of S3 give one line without secrets or names, and leave no partial state."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from dicom_pipeline.cli.app import app
from dicom_pipeline.common import aws as s3
from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.config.locations import S3Location
from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.config.settings import SettingsError, load_settings
from dicom_pipeline.landing.s3.bucket import BucketStorage
from tests.cloud.front import Answer, Front
from tests.support.dicom import instance

SECRETS = ("SECRETKEY", "AKIAIOSFODNN7EXAMPLE", "Müller", "patient")


@pytest.fixture
def environment(
    bucket: str, plain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> S3Location:
    """Both zones in a bucket, with an object whose key must not be shown."""
    plain.put_object(Bucket=bucket, Key="dicom/patient Müller/1", Body=instance())
    for name, value in {
        "DICOM_LANDING_URI": f"s3://{bucket}/dicom",
        "DICOM_RAW_URI": f"s3://{bucket}/raw",
        "DICOM_WAREHOUSE_DIR": str(tmp_path / "warehouse"),
        "DBT_DATABASE_NAME": str(tmp_path / "published" / "dicom.duckdb"),
        "DICOM_MIN_FILE_AGE_SECONDS": "0",
        "DAGSTER_HOME": str(tmp_path / "dagster"),
    }.items():
        monkeypatch.setenv(name, value)
    return S3Location(bucket, "dicom/")


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


LINES = [
    (403, "InvalidAccessKeyId", "credentials for S3 are not accepted"),
    (403, "SignatureDoesNotMatch", "credentials for S3 are not accepted"),
    (400, "ExpiredToken", "have expired"),
    (403, "AccessDenied", "lack a permission"),
    (404, "NoSuchBucket", "no such bucket"),
    (301, "PermanentRedirect", "another region"),
    (403, "RequestTimeTooSkewed", "clock"),
    (503, "SlowDown", "fewer requests"),
    (500, "InternalError", "answers with errors"),
    (418, "SomethingNew", "S3 answers SomethingNew"),
]


@pytest.mark.parametrize(("status", "code", "words"), LINES)
def test_an_s3_error_gives_one_line_with_the_next_step(
    environment: S3Location, front: Front, plain: Any, monkeypatch: pytest.MonkeyPatch,
    status: int, code: str, words: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(s3, "ATTEMPTS", 2)
    front.rule = lambda method, path: Answer(status, code)
    exit_code, output = run("scan")
    assert exit_code == 3, output
    assert re.fullmatch(r"error: [^\n]*\n", output), output
    assert words in output
    for secret in (*SECRETS, environment.bucket):
        assert secret not in output
    assert not plain.list_objects_v2(Bucket=environment.bucket, Prefix="raw/").get("Contents")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "no credentials"),
        ({"AWS_SECRET_ACCESS_KEY": None}, "no credentials"),
        ({"AWS_PROFILE": "nobody"}, "no such profile"),
        ({"AWS_ENDPOINT_URL": "no address"}, "AWS_ENDPOINT_URL"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "cannot be reached"),
        ({"AWS_DEFAULT_REGION": "not a region!"}, "AWS_DEFAULT_REGION"),
    ],
)
def test_invalid_aws_variables_give_a_one_line_error(
    environment: S3Location, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str | None],
    words: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(s3, "ATTEMPTS", 2)
    for name, value in variables.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    s3.client.cache_clear()
    exit_code, output = run("scan")
    assert exit_code == 3, output
    assert re.fullmatch(r"error: [^\n]*\n", output), output
    assert words in output
    assert "SECRETKEY" not in output


def test_the_next_scan_completes_one_that_failed_between_two_manifests(
    environment: S3Location, front: Front, plain: Any
) -> None:
    for month in range(1, 6):
        plain.put_object(
            Bucket=environment.bucket, Key=f"dicom/{month}",
            Body=instance(f"9{month}", StudyDate=f"20130{month}01"),
        )  # fmt: skip
    front.rule = lambda method, path: (
        Answer(403, "AccessDenied") if method == "PUT" and "2013-03" in path else None
    )
    exit_code, output = run("scan")
    assert (exit_code, output.count("error:")) == (3, 1), output
    front.clear()
    exit_code, output = run("scan")
    assert exit_code == 0
    exit_code, output = run("scan")
    assert "6 files: 0 new, 0 changed, 0 moved" in output


def test_a_mass_deletion_in_a_bucket_is_refused(environment: S3Location, plain: Any) -> None:
    for number in range(30):
        plain.put_object(
            Bucket=environment.bucket, Key=f"dicom/{number}", Body=instance(f"7{number}")
        )
    assert run("scan")[0] == 0
    for number in range(10):
        plain.delete_object(Bucket=environment.bucket, Key=f"dicom/{number}")
    exit_code, output = run("scan")
    assert exit_code == 3
    assert "10 of 31 known files are gone" in output
    assert run("scan", "--accept-deletions")[0] == 0


def test_an_unreadable_object_does_not_affect_the_others(
    environment: S3Location, plain: Any, front: Front
) -> None:
    plain.put_object(Bucket=environment.bucket, Key="dicom/closed", Body=instance(2))
    zone = BucketStorage(environment)
    front.rule = lambda method, path: (
        Answer(403, "AccessDenied") if path.endswith("closed") else None
    )
    kinds = [isinstance(head, bytes) for head in zone.heads(zone.list_landing().files, 8)]
    assert sorted(kinds) == [False, True]


@pytest.mark.slow  # half a minute
def test_a_run_with_expired_credentials_reports_it_and_publishes_nothing(
    environment: S3Location, front: Front, tmp_path: Path
) -> None:
    """In a separate process, because settings of dbt and Dagster persist in a process."""

    def rule(method: str, path: str) -> Answer | None:
        # the listing and the first request of the scan succeed; later requests are refused
        heads = front.count("GET", "/dicom/")
        return Answer(400, "ExpiredToken") if "/dicom/" in path and heads else None

    front.rule = rule
    done = subprocess.run(
        [sys.executable, "-m", "dicom_pipeline.cli", "run"],
        cwd=PROJECT_DIR, capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "error: the landing zone: the credentials for S3 have expired" in done.stdout
    for secret in SECRETS:
        assert secret not in done.stdout + done.stderr
    assert not (tmp_path / "published" / "dicom.duckdb").exists()


@pytest.mark.parametrize(
    "uri", ["s3://", "s3:///x", "s3://a", "s3://UPPER/x", "s3://b_b/../x y?", "S3://bucket/x"]
)
def test_a_uri_without_a_valid_bucket_is_refused(uri: str) -> None:
    if uri == "s3://b_b/../x y?":  # unusual, but a valid prefix
        assert load_settings({"DICOM_RAW_URI": uri}).raw == S3Location("b_b", "../x y?/")
        return
    with pytest.raises(SettingsError, match="DICOM_RAW_URI"):
        load_settings({"DICOM_RAW_URI": uri})


@pytest.mark.parametrize(
    ("landing", "raw"),
    [("s3://bucket", "s3://bucket/raw"), ("s3://bucket/a", "s3://bucket/a"),
     ("s3://bucket/a/b", "s3://bucket/a"), ("s3://bucket/a", "s3://bucket")],
)  # fmt: skip
def test_nested_zones_in_one_bucket_are_refused(landing: str, raw: str) -> None:
    with pytest.raises(SettingsError, match="must not be inside"):
        load_settings({"DICOM_LANDING_URI": landing, "DICOM_RAW_URI": raw})
    apart = {"DICOM_LANDING_URI": "s3://bucket/a", "DICOM_RAW_URI": "s3://bucket/ab"}
    assert load_settings(apart).raw == S3Location("bucket", "ab/")


def test_local_directories_do_not_import_boto3(tmp_path: Path) -> None:
    code = (
        "import sys; from dicom_pipeline.workspace import Workspace; "
        "from dicom_pipeline.config.settings import load_settings; "
        "p = Workspace(load_settings()).ingest; p.storage, p.manifests, p.raw; "
        "print(sorted(m for m in sys.modules if m.startswith(('boto', 's3transfer'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_every_listed_error_class_exists_in_botocore() -> None:
    import botocore.exceptions

    assert boto3.__version__
    for name in (*s3._CLASSES, *s3._OF_ONE_OBJECT):
        assert hasattr(botocore.exceptions, name), name


@pytest.mark.parametrize(
    "text",
    ["2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05Z", "Fri, 02 Jan 2026 03:04:05 GMT",
     "2026-01-02T04:04:05+01:00", "1767323045", 1767323045, 1767323045.0],
)  # fmt: skip
def test_times_are_parsed_as_boto3_parses_them(text: object) -> None:
    from botocore.utils import parse_timestamp

    assert s3._parse_time(text) == parse_timestamp(text)
    assert s3._parse_time(text).timestamp() == 1767323045


def test_an_unknown_error_is_reported_without_its_text() -> None:
    error = s3.unavailable(ValueError("SECRETKEY"), "the raw zone")
    assert isinstance(error, StorageUnavailable)
    assert "SECRETKEY" not in str(error)
