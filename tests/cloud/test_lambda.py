"""Extraction on AWS Lambda gives the same rows as local extraction."""

import json
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.config.locations import BATCHES, S3Location
from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.config.settings import Reader, SettingsError, load_settings
from dicom_pipeline.extract import raw_step
from dicom_pipeline.extract.lambda_ import call as lambda_call
from dicom_pipeline.extract.lambda_ import pool as lambda_pool
from dicom_pipeline.extract.lambda_.batch import Batch
from dicom_pipeline.extract.lambda_.handler import handler
from dicom_pipeline.extract.worker import WorkerPlan
from dicom_pipeline.landing.storage import FileVersion
from dicom_pipeline.mapping.attribute_mapping import MAPPING_CSV
from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.workspace import Workspace
from tests.cloud.conftest import VARIABLES
from tests.cloud.front import Answer, Front
from tests.cloud.lambda_server import Fault, LambdaServer, Refusal
from tests.cloud.test_same_rows import folder, load, rows, upload, workspace_on
from tests.support.dicom import instance

__all__ = ["folder"]
FUNCTION = "dicom-headers"
SECRETS = ("SECRETKEY", "AKIAIOSFODNN7EXAMPLE", "Müller")


def server_of(handler_name: str, endpoint: str, **more: Any) -> LambdaServer:
    if find_spec("awslambdaric") is None:
        pytest.skip("NOT TESTED: AWS Lambda. awslambdaric is there on Linux only")
    environment = VARIABLES | {"AWS_ENDPOINT_URL": endpoint, "PYTHONPATH": str(PROJECT_DIR)}
    return LambdaServer(handler_name, environment, PROJECT_DIR, **more)


@pytest.fixture(scope="module")
def started(server: str) -> Iterator[LambdaServer]:
    made = server_of("dicom_pipeline.extract.lambda_.handler.handler", server)
    yield made
    made.close()


@pytest.fixture
def function(started: LambdaServer, front: Front, monkeypatch: pytest.MonkeyPatch) -> LambdaServer:
    """Function server to which boto3 points."""
    return pointed_at(started, monkeypatch)


def pointed_at(made: LambdaServer, monkeypatch: pytest.MonkeyPatch) -> LambdaServer:
    made.clear()
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", made.url)
    monkeypatch.setattr(lambda_call, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(lambda_call, "LONGEST_WAIT", 0.2)
    return made


def on_lambda(place: Path, bucket: str, **more: str) -> Workspace:
    return workspace_on(
        place, f"s3://{bucket}/dicom", f"s3://{bucket}/raw",
        **{"DICOM_EXTRACTOR": "lambda", "DICOM_LAMBDA_FUNCTION": FUNCTION,
           "DICOM_LAMBDA_CONCURRENCY": "2"} | more,
    )  # fmt: skip


def batches_left(plain: Any, bucket: str) -> list[str]:
    listed = plain.list_objects_v2(Bucket=bucket, Prefix=f"raw/{BATCHES}")
    return [entry["Key"] for entry in listed.get("Contents", ())]


def put(plain: Any, bucket: str, files: dict[str, bytes]) -> None:
    for name, body in files.items():
        plain.put_object(Bucket=bucket, Key=f"dicom/{name}", Body=body)


def rejects(workspace: Workspace) -> dict[str, str]:
    """Return the reject reason by file path, read by pyarrow only."""
    import pyarrow.parquet as pq

    paths = (workspace.settings.raw_dir / "rejected_files").rglob("data.parquet")
    found = [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]
    return {row["file_path"]: row["reason"] for row in found}


@pytest.mark.slow  # the parity matrix covers most of it
def test_the_sample_gives_the_same_rows_on_lambda(
    folder: Path, bucket: str, plain: Any, function: LambdaServer, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    upload(plain, bucket, folder)
    here = workspace_on(tmp_path / "a", str(folder), str(tmp_path / "a" / "raw"))
    load(here)
    there = on_lambda(tmp_path / "b", bucket)

    with monkeypatch.context() as patch:
        patch.setattr(raw_step, "read_headers", None)  # no file is read locally
        load(there)
    expected = rows(here.settings.raw_dir)
    assert sum(map(len, expected.values())) > 400
    assert rows(there.settings.raw_dir) == expected
    assert there.ingest.reconcile() == here.ingest.reconcile()
    assert there.ingest.reconcile().balanced
    read = sum(call.files for call in function.calls)
    assert read == sum(len(expected[name]) for name in ("images", "rejected_files"))
    assert max(len(call.answer) for call in function.calls) < 200
    assert batches_left(plain, bucket) == []

    # nothing to do: no call
    function.clear()
    assert sum(report.read for report in load(there)) == 0
    assert function.calls == []

    # new, changed, deleted
    for number, change in enumerate(("new.dcm", "test_files/CT_small.dcm")):
        body = instance(900 + number, PatientID="0815")
        (folder / change).write_bytes(body)
        put(plain, bucket, {change: body})
    (folder / "test_files" / "MR_small.dcm").unlink()
    plain.delete_object(Bucket=bucket, Key="dicom/test_files/MR_small.dcm")
    load(here)
    assert sum(report.read for report in load(there)) == 2
    assert rows(there.settings.raw_dir) == rows(here.settings.raw_dir) != expected


def test_objects_with_unusual_keys_are_read(
    bucket: str, plain: Any, function: LambdaServer, tmp_path: Path
) -> None:
    names = ["a b", "ü/日本", "/first", "x//y", "a+b%20", "back\\slash", "quote'\""]
    put(plain, bucket, {name: instance(number) for number, name in enumerate(names)})
    workspace = on_lambda(tmp_path, bucket)
    assert sum(report.loaded for report in load(workspace)) == len(names)
    assert rejects(workspace) == {}


@pytest.mark.parametrize(
    "fault",
    [Refusal(429, "TooManyRequestsException"), Refusal(500, "ServiceException"), Fault.LOST,
     Refusal(502, "ResourceNotReadyException")],
)  # fmt: skip
def test_transient_errors_lose_no_file(
    bucket: str, plain: Any, function: LambdaServer, tmp_path: Path, fault: Any
) -> None:
    put(plain, bucket, {str(number): instance(number) for number in range(30)})
    function.rule = lambda event, number: fault if number in (0, 2, 3, 5) else None
    workspace = on_lambda(tmp_path, bucket)
    assert sum(report.loaded for report in load(workspace)) == 30
    assert rejects(workspace) == {}
    assert batches_left(plain, bucket) == []
    # the probe and two batches, each repeated with the same target
    assert len({call.target for call in function.calls}) == 3
    assert len(function.calls) == 7


@pytest.mark.parametrize("fault", [Fault.HUNG, Fault.KILLED, Fault.LARGE])
def test_a_failed_batch_is_read_in_parts(
    bucket: str, plain: Any, server: str, front: Front, tmp_path: Path, fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    put(plain, bucket, {str(number): instance(number) for number in range(30)})
    made = server_of("dicom_pipeline.extract.lambda_.handler.handler", server, seconds=5)
    try:
        pointed_at(made, monkeypatch)
        made.rule = lambda event, number: fault if number == 1 else None
        workspace = on_lambda(tmp_path, bucket)
        assert sum(report.loaded for report in load(workspace)) == 30
        assert rejects(workspace) == {}
        assert len({call.files for call in made.calls}) > 2
    finally:
        made.close()


def test_hostile_files_are_rejected_and_affect_no_other_file(
    bucket: str, plain: Any, server: str, front: Front, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    orders = {
        "KILL": "worker_crashed", "EXIT": "worker_crashed", "MEMORY": "worker_crashed",
        "LARGE": "worker_crashed", "HANG": "timeout", "RAISE": "decode_error",
        "SURROGATE": "decode_error",
    }  # fmt: skip
    put(plain, bucket, {f"Müller/{order}": f"{order} ".encode() * 50 for order in orders})
    put(plain, bucket, {str(number): instance(number) for number in range(40)})
    made = server_of("tests.cloud.hostile_function.handler", server, seconds=5)
    try:
        pointed_at(made, monkeypatch)
        workspace = on_lambda(tmp_path, bucket)
        assert sum(report.loaded for report in load(workspace)) == 40
        assert rejects(workspace) == {f"Müller/{name}": reason for name, reason in orders.items()}
        assert workspace.ingest.reconcile().balanced
        assert batches_left(plain, bucket) == []
        for secret in (*SECRETS, "a value of a patient"):
            assert secret not in made.logged()
    finally:
        made.close()


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Refusal(403, "AccessDeniedException"), "lambda:InvokeFunction"),
        (Refusal(403, "ExpiredTokenException"), "credentials have expired"),
        (Refusal(403, "UnrecognizedClientException"), "credentials are not accepted"),
        (Refusal(429, "TooManyRequestsException"), "fewer calls"),
        (Refusal(500, "ServiceException"), "Lambda answers ServiceException"),
        (Refusal(502, "KMSAccessDeniedException"), "KMS key"),
    ],
)
@pytest.mark.parametrize("since", [0, 2])
def test_a_service_error_ends_the_step_with_one_line_and_rejects_nothing(
    bucket: str, plain: Any, function: LambdaServer, tmp_path: Path, refusal: Refusal, words: str,
    since: int, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(lambda_call, "ATTEMPTS", 3)
    put(plain, bucket, {f"Müller {number}": instance(number) for number in range(30)})
    function.rule = lambda event, number: refusal if number >= since else None
    workspace = on_lambda(tmp_path, bucket)
    with pytest.raises(StorageUnavailable, match=words) as caught:
        load(workspace)
    assert "\n" not in str(caught.value)
    assert not [secret for secret in SECRETS if secret in str(caught.value)]
    assert rows(workspace.settings.raw_dir)["rejected_files"] == []
    function.clear()
    monkeypatch.setattr(lambda_call, "ATTEMPTS", 12)
    assert sum(report.loaded for report in load(workspace)) == 30


def test_a_missing_function_is_reported_by_its_setting(
    bucket: str, plain: Any, function: LambdaServer, tmp_path: Path
) -> None:
    put(plain, bucket, {"a": instance(1)})
    with pytest.raises(StorageUnavailable, match="DICOM_LAMBDA_FUNCTION"):
        load(on_lambda(tmp_path, bucket, DICOM_LAMBDA_FUNCTION="another"))


def test_an_unreachable_lambda_gives_a_one_line_error(
    bucket: str, plain: Any, function: LambdaServer, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(lambda_call, "ATTEMPTS", 2)
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:1")
    put(plain, bucket, {"a": instance(1)})
    with pytest.raises(StorageUnavailable, match="Lambda cannot be reached"):
        load(on_lambda(tmp_path, bucket))


def test_a_function_with_another_mapping_must_be_deployed_again(
    bucket: str, plain: Any, function: LambdaServer, tmp_path: Path
) -> None:
    put(plain, bucket, {"a": instance(1)})
    other = tmp_path / "mapping.csv"
    lines = MAPPING_CSV.read_text().splitlines(keepends=True)
    other.write_text("".join(line for line in lines if ",PatientSize," not in line))
    assert len(other.read_text().splitlines()) == len(lines) - 1
    workspace = Workspace(on_lambda(tmp_path, bucket).settings, other)
    with pytest.raises(StorageUnavailable, match="deploy it again"):
        load(workspace)
    assert rows(workspace.settings.raw_dir)["rejected_files"] == []


def test_a_function_that_cannot_start_rejects_no_file(
    bucket: str, plain: Any, server: str, front: Front, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    put(plain, bucket, {"a": instance(1)})
    made = server_of("no_such_module.handler", server)
    try:
        pointed_at(made, monkeypatch)
        with pytest.raises(StorageUnavailable, match="cannot start"):
            load(on_lambda(tmp_path, bucket))
    finally:
        made.close()


def test_a_function_without_permission_for_the_zones_rejects_no_file(
    bucket: str, plain: Any, server: str, front: Front, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    put(plain, bucket, {str(number): instance(number) for number in range(5)})
    theirs = Front(server)
    theirs.rule = lambda method, path: Answer(403, "AccessDenied") if "/dicom/" in path else None
    made = server_of("dicom_pipeline.extract.lambda_.handler.handler", theirs.url)
    try:
        pointed_at(made, monkeypatch)
        workspace = on_lambda(tmp_path, bucket)
        with pytest.raises(StorageUnavailable, match="check its role"):
            load(workspace)
        assert rows(workspace.settings.raw_dir)["rejected_files"] == []
        theirs.rule = lambda method, path: Answer(403, "AccessDenied") if method == "PUT" else None
        expected = "function, the raw zone: it cannot be written: the credentials"
        with pytest.raises(StorageUnavailable, match=expected):
            load(workspace)
    finally:
        made.close()
        theirs.close()


def test_batches_of_a_killed_run_are_deleted_and_not_copied(
    bucket: str, plain: Any, function: LambdaServer, tmp_path: Path
) -> None:
    left = f"raw/{BATCHES}0123/1.zip"
    plain.put_object(Bucket=bucket, Key=left, Body=b"rows of patients")
    put(plain, bucket, {"a": instance(1)})
    workspace = on_lambda(tmp_path, bucket)
    with WriteSession(workspace)():
        workspace.warehouse.prepare()
        workspace.ingest.scan()
    assert batches_left(plain, bucket) == [left]
    assert not (workspace.settings.raw_dir / BATCHES).exists()
    load(workspace)
    assert batches_left(plain, bucket) == []


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"DICOM_LAMBDA_FUNCTION": None}, "DICOM_LAMBDA_FUNCTION"),
        ({"DICOM_LAMBDA_FUNCTION": "a function"}, "DICOM_LAMBDA_FUNCTION"),
        ({"DICOM_LAMBDA_CONCURRENCY": "0"}, "DICOM_LAMBDA_CONCURRENCY"),
        ({"DICOM_RAW_URI": "data/raw"}, "DICOM_RAW_URI that starts with s3://"),
        ({"DICOM_LANDING_URI": "data/dicom-files"}, "DICOM_LANDING_URI that starts with s3://"),
    ],
)
def test_incompatible_settings_give_a_one_line_error(
    variables: dict[str, str | None], words: str
) -> None:
    whole: dict[str, str | None] = {
        "DICOM_EXTRACTOR": "lambda", "DICOM_LAMBDA_FUNCTION": FUNCTION,
        "DICOM_LANDING_URI": "s3://bucket/dicom", "DICOM_RAW_URI": "s3://bucket/raw",
    }  # fmt: skip
    assert load_settings({k: v for k, v in whole.items() if v}).lambda_concurrency == 50
    with pytest.raises(SettingsError, match=words):
        load_settings({k: v for k, v in (whole | variables).items() if v is not None})


def event_of(bucket: str, files: list[FileVersion], target: str = "raw/x.zip") -> dict[str, Any]:
    landing = S3Location(bucket, "dicom/")
    reader_version = WorkerPlan(landing, Path("raw"), MAPPING_CSV).reader_version
    batch = Batch(landing, S3Location(bucket, target), reader_version, Reader.FAST, None, files)
    event: dict[str, Any] = json.loads(json.dumps(batch.event()))
    assert Batch.of_event(event) == batch
    return event


def test_the_same_event_writes_the_same_object(front: Front, bucket: str, plain: Any) -> None:
    put(plain, bucket, {"a": instance(1), "b": b"no DICOM" * 40})
    listed = plain.list_objects_v2(Bucket=bucket, Prefix="dicom/")["Contents"]
    files = [
        FileVersion(e["Key"].removeprefix("dicom/"), e["Size"], None, e["ETag"].strip('"'))
        for e in listed
    ]
    event = event_of(bucket, files)
    first = handler(event, None)
    assert (first["outcome"], first["files"], first["rejected"]) == ("done", 2, 1)
    written = plain.get_object(Bucket=bucket, Key="raw/x.zip")["Body"].read()
    assert handler(event, None) == first
    assert plain.get_object(Bucket=bucket, Key="raw/x.zip")["Body"].read() == written
    assert first["bytes"] == len(written)


def test_the_kms_key_is_applied_to_the_object(front: Front, bucket: str, plain: Any) -> None:
    put(plain, bucket, {"a": instance(1)})
    event = event_of(bucket, [FileVersion("a", 1)]) | {"kms_key": "alias/dicom"}
    assert handler(event, None)["outcome"] == "done"
    head = plain.head_object(Bucket=bucket, Key="raw/x.zip")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/dicom")


def test_the_function_raises_nothing_for_any_event(front: Front, bucket: str) -> None:
    for event in ({}, {"files": 5}, event_of(bucket, []) | {"reader": "x"}):
        assert handler(event, None) == {"outcome": "failed"}
    front.rule = lambda method, path: Answer(400, "ExpiredToken")
    answer = handler(event_of(bucket, [FileVersion("a", 1)]), None)
    assert answer["outcome"] == "unavailable"
    assert "have expired" in answer["line"]


def test_batches_are_bounded_by_files_and_by_bytes() -> None:
    few = [FileVersion(str(number), 10) for number in range(60)]
    sizes = [len(batch) for batch in lambda_pool._batches(iter(few), 50)]
    assert (sum(sizes), max(sizes)) == (60, lambda_pool.MIN_BATCH_FILES)
    small = [FileVersion(str(number), 10) for number in range(30_000)]
    sizes = [len(batch) for batch in lambda_pool._batches(iter(small), 10)]
    assert (sum(sizes), max(sizes)) == (30_000, lambda_pool.MAX_BATCH_FILES)
    large = [FileVersion(str(number), 1 << 40) for number in range(3_000)]
    sizes = [len(batch) for batch in lambda_pool._batches(iter(large), 2)]
    assert (sum(sizes), max(sizes)) == (3_000, 256)


def test_the_longest_event_is_within_lambdas_limit() -> None:
    files = [FileVersion("\x01" * 1024, 1 << 40, None, "0" * 40)] * lambda_pool.MAX_BATCH_FILES
    place = S3Location("b" * 63, "p" * 1000 + "/")
    event = Batch(place, place, "x", Reader.FAST, "k" * 200, files).event()
    assert len(json.dumps(event, ensure_ascii=False).encode()) < 6 * 1024 * 1024


def test_concurrent_calls_do_not_exceed_the_limit(
    bucket: str, plain: Any, function: LambdaServer, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(lambda_pool, "MAX_BATCH_FILES", 25)
    put(plain, bucket, {str(number): instance(number) for number in range(80)})
    load(on_lambda(tmp_path, bucket))  # the server refuses a third concurrent call
    assert {call.ended for call in function.calls} == {"ok"}
    assert [call.files for call in function.calls].count(25) == 3


def test_an_interrupted_step_makes_no_more_calls(
    bucket: str, plain: Any, function: LambdaServer, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(lambda_call, "ATTEMPTS", 1000)
    function.rule = lambda event, number: (
        Refusal(429, "TooManyRequestsException") if event["files"] else None
    )
    pool = lambda_pool.LambdaPool(FUNCTION, S3Location(bucket, "raw/"), concurrency=2)
    plan = WorkerPlan(S3Location(bucket, "dicom/"), tmp_path, MAPPING_CSV)

    def files() -> Iterator[FileVersion]:
        yield from (FileVersion(str(number), 10) for number in range(1600))
        while len(function.calls) < 5:
            time.sleep(0.05)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(pool.read_headers(files(), plan, workers=1))
    time.sleep(0.5)
    called = len(function.calls)
    time.sleep(1)
    assert len(function.calls) == called
