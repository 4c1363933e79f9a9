"""Listing of buckets with unusual keys and many pages."""

import time
from typing import Any

import pytest

from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.config.locations import S3Location
from dicom_pipeline.landing.s3.bucket import BucketStorage
from dicom_pipeline.landing.storage import Ignored, decode_path
from tests.cloud.front import Answer, Front

ODD = [
    "plain",
    "a/b/c.dcm",
    " leading blank",
    "trailing blank ",
    "two  blanks/in a row",
    "/leading slash",
    "//two leading slashes",
    "a//empty name",
    "plus+plus",
    "percent%20percent%2F%",
    "Schädel/Ännchen",
    "Scha\u0308del",
    "検査/画像",
    "emoji 🩻",
    "back\\slash",
    "quote'quote\"quote",
    "ampersand&less<greater>",
    "star*question?hash#",
    "tab\there",
    "a=b&c=d;e",
    "~tilde",
    "dot.in.the.middle",
]


def fill(plain: Any, place: S3Location, names: list[str], body: bytes = b"x") -> None:
    for name in names:
        plain.put_object(Bucket=place.bucket, Key=place.prefix + name, Body=body)


@pytest.mark.parametrize("page_size", [1000, 3])
def test_unusual_keys_are_listed_and_opened_by_their_names(
    landing: S3Location, plain: Any, page_size: int
) -> None:
    for number, name in enumerate(ODD):
        fill(plain, landing, [name], b"%d" % number)
    zone = BucketStorage(landing, page_size=page_size)
    listing = zone.list_landing()
    assert sorted(decode_path(file.path) for file in listing.files) == sorted(ODD)
    assert listing.complete
    assert sorted(zone.count_files()) == sorted(file.path for file in listing.files)
    for file in listing.files:
        number = ODD.index(decode_path(file.path))
        assert zone.open(file.path).read_at(0, 10) == b"%d" % number
        assert file.size == len(b"%d" % number)
        assert file.mtime_ns is None
    heads = list(zone.heads(listing.files, 10))
    assert heads == [zone.open(file.path).read_at(0, 10) for file in listing.files]


def test_only_keys_under_the_prefix_are_listed(bucket: str, plain: Any) -> None:
    for key in ("dicom/in", "dicom", "dicomother/out", "other/out", "dicom2"):
        plain.put_object(Bucket=bucket, Key=key, Body=b"x")
    listing = BucketStorage(S3Location.parse(f"s3://{bucket}/dicom")).list_landing()
    assert [file.path for file in listing.files] == ["in"]
    whole = BucketStorage(S3Location.parse(f"s3://{bucket}")).list_landing()
    assert [file.path for file in whole.files] == [
        "dicom", "dicom/in", "dicom2", "dicomother/out", "other/out",
    ]  # fmt: skip


def test_ignored_objects_have_a_reason(landing: S3Location, plain: Any) -> None:
    reasons = {
        "": Ignored.DIRECTORY_MARKER,
        "folder/": Ignored.DIRECTORY_MARKER,
        "folder/.hidden": Ignored.HIDDEN,
        ".hidden/inside": Ignored.HIDDEN,
        "upload.part": Ignored.TEMPORARY,
        "folder/UPLOAD.TMP": Ignored.TEMPORARY,
    }
    fill(plain, landing, [name for name in reasons if name not in ("", "folder/")])
    fill(plain, landing, ["", "folder/"], b"")
    fill(plain, landing, ["full/"], b"a marker with a body")
    zone = BucketStorage(landing)
    listing = zone.list_landing()
    assert listing.ignored == reasons | {"full/": Ignored.DIRECTORY_MARKER}
    assert not listing.files
    assert set(zone.count_files()) == set(listing.ignored)


def test_an_object_below_the_minimum_age_is_not_listed_yet(landing: S3Location, plain: Any) -> None:
    fill(plain, landing, ["young"])
    assert BucketStorage(landing, min_file_age_seconds=60).list_landing().unsettled == ["young"]
    time.sleep(2.1)  # times of the server have a resolution of one second
    settled = BucketStorage(landing, min_file_age_seconds=1).list_landing()
    assert [file.path for file in settled.files] == ["young"]


def test_different_content_of_the_same_size_is_a_different_version(
    landing: S3Location, plain: Any
) -> None:
    zone = BucketStorage(landing)
    fill(plain, landing, ["a"], b"one")
    before = zone.list_landing().files
    assert zone.list_landing().files == before
    fill(plain, landing, ["a"], b"two")
    after = zone.list_landing().files
    assert (after[0].path, after[0].size) == (before[0].path, before[0].size)
    assert after != before


NAMES = [f"{folder:02}/{number:02}" for folder in range(9) for number in range(7)]


def test_pages_are_listed_concurrently_and_each_key_once(
    landing: S3Location, plain: Any, front: Front
) -> None:
    fill(plain, landing, NAMES)
    zone = BucketStorage(landing, page_size=5)
    for _ in range(3):  # the second listing knows the page boundaries
        listing = zone.list_landing()
        assert sorted(file.path for file in listing.files) == NAMES
        assert listing.complete
    front.clear()
    assert len(BucketStorage(landing).list_landing().files) == len(NAMES)
    assert len(front.log) == 1, "what fits in a page is one request"


@pytest.mark.parametrize("names", [NAMES, [name.replace("/", "-") for name in NAMES]])
def test_interrupted_listings_eventually_cover_all_keys(
    landing: S3Location, plain: Any, names: list[str]
) -> None:
    fill(plain, landing, names)
    zone = BucketStorage(landing, page_size=5)
    seen: set[str] = set()
    start = 0
    for _ in range(60):
        listing = zone.list_landing(start=start, deadline=time.monotonic() - 1)
        assert listing.cut_short
        assert not listing.complete
        start = listing.next_start
        seen.update(file.path for file in listing.files)
        if len(seen) == len(names):
            break
    assert seen == set(names)
    assert zone.list_landing(start=start).complete


def test_a_prefix_without_objects_is_empty_and_a_missing_bucket_is_an_error(
    landing: S3Location,
) -> None:
    listing = BucketStorage(landing).list_landing()
    assert listing.complete
    assert not listing.files
    with pytest.raises(StorageUnavailable, match="there is no such bucket"):
        BucketStorage(S3Location("no-such-bucket")).list_landing()


def test_a_page_that_fails_leaves_the_listing_incomplete(
    landing: S3Location, plain: Any, front: Front
) -> None:
    fill(plain, landing, NAMES)
    zone = BucketStorage(landing, page_size=20)

    def denied(method: str, path: str) -> Answer | None:
        return Answer(403, "AccessDenied") if "token" in path or "start-after" in path else None

    front.rule = denied
    listing = zone.list_landing()
    assert 0 < len(listing.files) < len(NAMES)
    assert listing.errors
    assert not listing.complete
    with pytest.raises(StorageUnavailable):
        list(zone.count_files())
