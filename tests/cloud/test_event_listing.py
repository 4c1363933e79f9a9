"""S3 event messages replace listings, and a periodic listing finds lost messages."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.config.locations import S3Location
from dicom_pipeline.config.settings import SettingsError, load_settings
from dicom_pipeline.landing.manifest import now
from dicom_pipeline.landing.s3.events import Event, NotAnEvent, events_of, last_events
from dicom_pipeline.landing.scan import ScanRefused, ScanReport
from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.workspace import Workspace
from tests.cloud.front import Front
from tests.cloud.test_same_rows import load, rows, workspace_on
from tests.support.dicom import instance

_QUEUES = count(1)


def record(key: str, name: str = "ObjectCreated:Put", **thing: Any) -> dict[str, Any]:
    """Return an event record as documented by Amazon, without unused fields."""
    return {
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name,
        "s3": {"bucket": {"name": "b"}, "object": {"key": key} | thing},
    }  # fmt: skip


def direct(*records: dict[str, Any]) -> str:
    return json.dumps({"Records": records})


def by_sns(body: str) -> str:
    return json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:x:y:z", "Message": body})


def by_bridge(key: str, kind: str = "Object Created", **thing: Any) -> str:
    detail = {"version": "0", "bucket": {"name": "b"}, "object": {"key": key} | thing}
    return json.dumps({"version": "0", "source": "aws.s3", "detail-type": kind, "detail": detail})


CREATED = Event("b", "a b/ä+%.dcm", 7, "e1", 0x0A)
ENCODED = "a+b/%C3%A4%2B%25.dcm"


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (direct(record(ENCODED, size=7, eTag="e1", sequencer="0A")), [CREATED]),
        (by_sns(direct(record(ENCODED, size=7, eTag="e1", sequencer="0A"))), [CREATED]),
        (by_bridge("a b/ä+%.dcm", size=7, etag="e1", sequencer="0A"), [CREATED]),
        (by_sns(by_bridge("a b/ä+%.dcm", size=7, etag="e1", sequencer="0A")), [CREATED]),
        (direct(record("k", "ObjectRemoved:Delete", sequencer="ff")),
         [Event("b", "k", None, None, 255)]),
        (direct(record("k", "ObjectRemoved:DeleteMarkerCreated", eTag="e", sequencer="1")),
         [Event("b", "k", None, None, 1)]),
        (direct(record("k", "LifecycleExpiration:Delete")), [Event("b", "k", None, None, None)]),
        (by_bridge("k+", "Object Deleted", sequencer="1"), [Event("b", "k+", None, None, 1)]),
        (by_bridge("k", "Object Tags Added", etag="e"), []),
        (direct(record("k", "ObjectTagging:Put", eTag="e")), []),
        (json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}), []),
        (direct(record("k", size=1, eTag="e"), record("l", size=2, eTag="f")),
         [Event("b", "k", 1, "e", None), Event("b", "l", 2, "f", None)]),
    ],
)  # fmt: skip
def test_every_message_format_gives_the_same_events(body: str, events: list[Event]) -> None:
    assert events_of(body) == events


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", "7", '"x"', "{}", '{"Records": 3}', '{"Records": [{}]}',
             '{"Type": "Notification"}', '{"source": "aws.s3"}',
             direct(record("k", sequencer="not hexadecimal")), direct(record("k", size="x"))],
)  # fmt: skip
def test_messages_that_are_not_s3_events_are_refused(body: str) -> None:
    with pytest.raises(NotAnEvent):
        events_of(body)


@given(st.permutations(range(6)))
def test_the_last_event_of_a_key_counts_in_any_order_of_arrival(order: list[int]) -> None:
    place = S3Location("b", "in/")
    sequencers = [0x9, 0xA0, 0xA1, 0xFFF, 0x1000, 0x10000]  # texts of different lengths
    events = [Event("b", "in/k", n, f"e{n}", sequencers[n]) for n in order]
    twice = [*events, *events, Event("b", "out/k", 1, "e", 1), Event("c", "in/k", 1, "e", 1)]
    assert last_events(twice, place) == {"in/k": Event("b", "in/k", 5, "e5", 0x10000)}


def test_contradictory_events_without_a_sequencer_are_not_trusted() -> None:
    place = S3Location("b")
    one, other = Event("b", "k", 1, "e", None), Event("b", "k", None, None, None)
    assert last_events([one, one], place)["k"] == one
    assert not last_events([one, other], place)["k"].is_plain
    assert not last_events([other, one], place)["k"].is_plain


@pytest.fixture
def queue(server: str, bucket: str, plain: Any) -> str:
    """Queue that the server notifies of changes in the bucket."""
    sqs = boto3.client(
        "sqs", endpoint_url=server, region_name="us-east-1", aws_access_key_id="x",
        aws_secret_access_key="y",
    )  # fmt: skip
    url: str = sqs.create_queue(QueueName=f"queue-{next(_QUEUES)}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    plain.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "QueueArn": arn["QueueArn"],
                    "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "dicom/"}]}},
                }
            ]
        },
    )
    return url


@pytest.fixture
def sqs(server: str) -> Any:
    return boto3.client(
        "sqs", endpoint_url=server, region_name="us-east-1", aws_access_key_id="x",
        aws_secret_access_key="y",
    )  # fmt: skip


def waiting(sqs: Any, queue: str) -> tuple[int, int]:
    """Return the number of visible and of in-flight messages in the queue."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return int(found[names[0]]), int(found[names[1]])


@pytest.fixture
def workspace(queue: str, bucket: str, front: Front, tmp_path: Path) -> Workspace:
    return workspace_on(
        tmp_path, f"s3://{bucket}/dicom", f"s3://{bucket}/raw", DICOM_SQS_QUEUE_URL=queue,
        DICOM_WORKERS="1",
    )  # fmt: skip


@pytest.fixture
def put(plain: Any, bucket: str) -> Callable[[str, bytes], None]:
    def do(name: str, body: bytes) -> None:
        plain.put_object(Bucket=bucket, Key=f"dicom/{name}", Body=body)

    return do


Put = Callable[[str, bytes], None]


def listings(front: Front) -> int:
    return sum("list-type=2" in r.path and "prefix=dicom" in r.path for r in front.log)


def scan(workspace: Workspace, **options: Any) -> ScanReport:
    with WriteSession(workspace)():
        workspace.warehouse.prepare()
        return workspace.ingest.scan(**options)


def test_after_the_first_listing_the_bucket_is_not_listed_again(
    workspace: Workspace, put: Put, plain: Any, bucket: str, front: Front, sqs: Any, queue: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    for number in range(25):
        put(f"first/{number}", instance(number))
    load(workspace)
    front.clear()
    load(workspace)  # reads the messages of objects that were listed
    assert waiting(sqs, queue) == (0, 0)

    put("odd ä+%/new one", instance(100, StudyDate="20150101"))
    put("first/1", instance(101))
    put("passed/over.part", b"x")
    put("twice", instance(102))
    put("twice", instance(103))
    plain.delete_object(Bucket=bucket, Key="dicom/first/2")
    put("gone again", instance(104))
    plain.delete_object(Bucket=bucket, Key="dicom/gone again")
    assert sum(report.read for report in load(workspace)) == 3
    assert waiting(sqs, queue) == (0, 0)
    assert not listings(front)
    assert workspace.ingest.reconcile(listed=False).balanced
    assert not listings(front)
    assert workspace.ingest.reconcile().balanced, "a listing finds nothing else"

    other = workspace_on(
        tmp_path / "other", f"s3://{bucket}/dicom", str(tmp_path / "other" / "raw")
    )
    load(other)
    assert rows(workspace.settings.raw_dir) == rows(other.settings.raw_dir)


def test_late_duplicate_and_reordered_messages_change_nothing(
    workspace: Workspace, put: Put, sqs: Any, queue: str, bucket: str, plain: Any
) -> None:
    put("a", instance(1))
    load(workspace)
    load(workspace)
    put("a", instance(2))
    load(workspace)
    before = rows(workspace.settings.raw_dir)
    thing = {"size": 3, "eTag": "0" * 32, "sequencer": "1"}
    for key, name, more in (
        ("dicom%2Fa", "ObjectCreated:Put", thing),
        ("dicom%2Fa", "ObjectRemoved:Delete", {"sequencer": "2"}),
        ("dicom%2Fnever+there", "ObjectCreated:Put", thing),
        ("other%2Fplace", "ObjectCreated:Put", thing),
    ):
        body = json.loads(direct(record(key, name, **more)))
        body["Records"][0]["s3"]["bucket"]["name"] = bucket
        for _ in range(2):
            sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(body))
    sqs.send_message(QueueUrl=queue, MessageBody="not a message of S3")
    assert sum(report.read for report in load(workspace)) == 0
    assert rows(workspace.settings.raw_dir) == before
    assert sum(waiting(sqs, queue)) == 1, "what is none of S3's is left for who looks after it"


def test_messages_remain_in_the_queue_until_manifests_are_written(
    workspace: Workspace, put: Put, sqs: Any, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("a", instance(1))
    load(workspace)
    load(workspace)
    put("b", instance(2))
    with monkeypatch.context() as patch:
        patch.setattr(type(workspace.ingest.manifests), "write", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            scan(workspace)
    assert waiting(sqs, queue) == (0, 1)


def test_a_scan_without_time_leaves_the_messages_of_postponed_files(
    workspace: Workspace, put: Put, sqs: Any, queue: str
) -> None:
    load(workspace)
    put("b", instance(2))
    assert scan(workspace, budget=-1).postponed == 1
    assert waiting(sqs, queue) == (0, 1)


def test_the_next_listing_finds_a_file_whose_message_was_lost(
    workspace: Workspace, put: Put, sqs: Any, queue: str, front: Front
) -> None:
    put("a", instance(1))
    load(workspace)
    put("b", instance(2))
    sqs.purge_queue(QueueUrl=queue)
    assert scan(workspace).new == 0
    with WriteSession(workspace)():
        workspace.ingest.manifests.note_listing(now() - timedelta(hours=25))
    front.clear()
    assert scan(workspace).new == 1
    assert listings(front)


def test_the_delete_guard_covers_event_deletions_and_a_listing_confirms_them(
    workspace: Workspace, put: Put, plain: Any, bucket: str, sqs: Any, queue: str, front: Front
) -> None:
    for number in range(30):
        put(str(number), instance(number))
    load(workspace)
    load(workspace)
    for number in range(10):
        plain.delete_object(Bucket=bucket, Key=f"dicom/{number}")
    before = sum(waiting(sqs, queue))
    assert before >= 10
    with pytest.raises(ScanRefused, match="10 of 30"):
        scan(workspace)
    assert waiting(sqs, queue) == (0, before), "a refused scan takes all messages, deletes none"
    front.clear()
    assert scan(workspace, accept_deletions=True).deleted == 10
    assert listings(front)


def test_a_missing_queue_is_reported_by_its_setting(
    workspace: Workspace, put: Put, sqs: Any, queue: str
) -> None:
    load(workspace)
    sqs.delete_queue(QueueUrl=queue)
    with pytest.raises(StorageUnavailable, match="DICOM_SQS_QUEUE_URL: there is no such queue"):
        scan(workspace)


@pytest.mark.parametrize(
    "environ",
    [
        {"DICOM_SQS_QUEUE_URL": "my-queue", "DICOM_LANDING_URI": "s3://bucket"},
        {"DICOM_SQS_QUEUE_URL": "https://sqs.x/1/q", "DICOM_LANDING_URI": "/directory"},
        {"DICOM_FULL_LISTING_INTERVAL_HOURS": "-1"},
    ],
)
def test_an_invalid_queue_setting_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"DICOM_(SQS_QUEUE_URL|FULL_LISTING_INTERVAL_HOURS)"):
        load_settings(environ)
