"""Reading ranges of objects: number of requests, and consistency of versions."""

import random
from typing import Any

import pytest

from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.config.locations import S3Location
from dicom_pipeline.headers.fast_reader import FastReader
from dicom_pipeline.headers.pydicom_reader import PydicomReader
from dicom_pipeline.landing.partition_key import HEAD_BYTES
from dicom_pipeline.landing.s3.bucket import BucketStorage
from dicom_pipeline.landing.storage import FileVersion
from tests.cloud.front import Answer, Front
from tests.headers.test_pydicom_reader import READINGS
from tests.support.dicom import instance

PIXELS = bytes(200_000)


def put(plain: Any, place: S3Location, name: str, body: bytes) -> None:
    plain.put_object(Bucket=place.bucket, Key=place.prefix + name, Body=body)


@pytest.mark.parametrize("reader", [FastReader, PydicomReader])
@pytest.mark.parametrize("filling", [0, 6_000, 11_000])
def test_reading_a_file_takes_two_requests_and_24_kib(
    landing: S3Location, plain: Any, front: Front, reader: type, filling: int
) -> None:
    body = instance(PatientComments="x" * filling, PixelData=PIXELS, BitsAllocated=8)
    put(plain, landing, "a", body)
    zone = BucketStorage(landing)
    files = zone.list_landing().files
    front.clear()
    assert list(zone.heads(files, HEAD_BYTES)) == [body[:HEAD_BYTES]]
    header = reader(READINGS).read(next(zone.open_many(files)))
    assert "4711" in header.values
    # pydicom, the fallback, may read a range again, because a walk goes through the header first
    again = reader is PydicomReader and filling > 8 * 1024
    assert [request.method for request in front.log] == ["GET"] * (3 if again else 2)
    assert sum(request.sent for request in front.log) <= (48 if again else 24) * 1024


def test_a_long_header_is_read_in_growing_ranges(
    landing: S3Location, plain: Any, front: Front
) -> None:
    body = instance(
        OtherPatientNames="\\".join("x" * 60 for _ in range(3_000)), PixelData=PIXELS,
        BitsAllocated=8,
    )  # fmt: skip
    put(plain, landing, "a", body)
    front.clear()
    zone = BucketStorage(landing)
    header = FastReader(READINGS).read(zone.open("a"))
    assert "4711" in header.values
    assert len(front.log) <= 6
    assert sum(request.sent for request in front.log) < len(body)


def test_ranges_equal_the_bytes_of_the_object(landing: S3Location, plain: Any) -> None:
    rng = random.Random(7)
    body = rng.randbytes(300_000)
    put(plain, landing, "a", body)
    zone = BucketStorage(landing)
    for _ in range(10):
        file = zone.open("a")
        assert file.size == len(body)
        at = 0
        for _ in range(12):
            at = rng.choice([at, rng.randrange(len(body) + 10), rng.randrange(20_000)])
            length = rng.choice([0, 1, 8, 8192, 50_000])
            assert file.read_at(at, length) == body[at : at + length]
            at += length
        file.close()


def test_buffered_bytes_need_no_request(landing: S3Location, plain: Any, front: Front) -> None:
    put(plain, landing, "a", PIXELS)
    file = BucketStorage(landing).open("a")
    front.clear()
    for at in range(0, 16_000, 100):
        file.read_at(at, 100)
    assert not front.log


@pytest.mark.parametrize("size", [0, 1, 8191, 8192, 16_384, 16_385])
def test_small_objects_are_read_completely(landing: S3Location, plain: Any, size: int) -> None:
    body = random.Random(size).randbytes(size)
    put(plain, landing, "a", body)
    zone = BucketStorage(landing)
    file = zone.open("a")
    assert (file.size, file.read_at(0, 100_000), file.read_at(size, 8)) == (size, body, b"")
    assert list(zone.heads(zone.list_landing().files, HEAD_BYTES)) == [body[:HEAD_BYTES]]


def test_a_file_that_changes_during_reading_is_an_error(landing: S3Location, plain: Any) -> None:
    put(plain, landing, "a", b"1" * 100_000)
    file = BucketStorage(landing).open("a")
    put(plain, landing, "a", b"2" * 100_000)
    assert file.read_at(0, 8192) == b"1" * 8192
    with pytest.raises(OSError, match="version"):
        file.read_at(50_000, 10)


def test_files_changed_or_deleted_after_the_listing_are_errors_at_their_position(
    landing: S3Location, plain: Any
) -> None:
    zone = BucketStorage(landing)
    names = [f"{number:03}" for number in range(100)]
    for name in names:
        put(plain, landing, name, name.encode())
    files = zone.list_landing().files
    put(plain, landing, "010", b"new")
    plain.delete_object(Bucket=landing.bucket, Key=landing.prefix + "020")
    for results in (
        list(zone.heads(files, 10)),
        [o if isinstance(o, OSError) else o.read_at(0, 10) for o in zone.open_many(files)],
    ):
        assert isinstance(results[10], FileNotFoundError)
        assert isinstance(results[20], FileNotFoundError)
        others = [r for i, r in enumerate(results) if i not in (10, 20)]
        assert others == [n.encode() for i, n in enumerate(names) if i not in (10, 20)]


def test_access_denied_for_one_object_is_an_error_of_that_file(
    landing: S3Location, plain: Any, front: Front
) -> None:
    for name in ("Müller", "other"):
        put(plain, landing, name, name.encode())
    zone = BucketStorage(landing)
    files = zone.list_landing().files
    front.rule = lambda method, path: Answer(403, "AccessDenied") if "ller" in path else None
    first, second = zone.heads(files, 10)
    assert isinstance(first, OSError)
    assert not isinstance(first, FileNotFoundError)
    assert "ller" not in str(first)
    assert second == b"other"


def test_a_truncated_response_is_requested_again(
    landing: S3Location, plain: Any, front: Front
) -> None:
    put(plain, landing, "a", PIXELS)
    broken = ["cut", "cut"]
    front.rule = lambda method, path: broken.pop() if broken else None
    assert BucketStorage(landing).open("a").read_at(0, 10) == bytes(10)
    front.rule = lambda method, path: "cut"
    with pytest.raises(OSError, match="cannot be read"):
        BucketStorage(landing).open("a")


def test_throttled_requests_are_retried(landing: S3Location, plain: Any, front: Front) -> None:
    put(plain, landing, "a", b"x")
    refusals = [Answer(503, "SlowDown"), Answer(500, "InternalError"), Answer(503, "SlowDown")]
    front.rule = lambda method, path: refusals.pop() if refusals else None
    assert BucketStorage(landing).open("a").read_at(0, 1) == b"x"


def test_expired_credentials_stop_the_reading_of_all_files(
    landing: S3Location, plain: Any, front: Front
) -> None:
    put(plain, landing, "a", b"x")
    zone = BucketStorage(landing)
    files: list[FileVersion] = zone.list_landing().files
    front.rule = lambda method, path: Answer(400, "ExpiredToken")
    for attempt in (lambda: list(zone.heads(files, 8)), lambda: zone.open("a")):
        with pytest.raises(StorageUnavailable, match="expired"):
            attempt()
