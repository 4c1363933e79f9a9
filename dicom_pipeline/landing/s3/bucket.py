"""Landing zone in an S3 bucket, under a prefix: listing it, and opening its objects.

Belongs here: keys, ignored keys, pages, and parallel listing of key ranges.
Does not belong here: byte ranges (bucket_file), which files are new (scan), any writing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

from dicom_pipeline.common import aws
from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.config.locations import S3Location
from dicom_pipeline.landing.s3.bucket_file import BucketFile, get_range
from dicom_pipeline.landing.s3.prefetch import PARALLEL, prefetch
from dicom_pipeline.landing.storage import (
    TEMPORARY,
    FileVersion,
    Ignored,
    Listing,
    decode_path,
    encode_path,
)

_MOST_BOUNDS = 64
_DEEPEST = 4
_ZONE = "the landing zone"


@dataclass
class _Part:
    """Listing of the keys in one range.

    ``ends`` has the last key of each page. ``reached`` is the last listed key if the listing was
    cut short, else None.
    """

    listing: Listing = field(default_factory=Listing)
    ends: list[str] = field(default_factory=list)
    reached: str | None = None


class BucketStorage:
    """Landing zone of the objects in a bucket whose keys begin with a prefix.

    The path of a file is its key without the prefix. It may contain empty names between slashes,
    blanks, or a leading slash. Keys that end in ``/`` are directory markers.

    Parameters
    ----------
    location
        Bucket and prefix.
    min_file_age_seconds
        Objects written less than this ago, by the server's clock, are left for a later scan.
    page_size
        Keys per page of a listing, at most 1000.
    """

    def __init__(
        self, location: S3Location, *, min_file_age_seconds: float = 0, page_size: int = 1000
    ) -> None:
        self.location = location
        self.min_file_age_seconds = min_file_age_seconds
        self.page_size = page_size
        # keys at page ends of the last listing: they divide the next one into parallel ranges
        self._bounds: list[str] = []
        self._resume: str | None = None

    @property
    def _client(self) -> Any:
        return aws.client()

    def _key(self, path: str) -> str:
        return self.location.prefix + decode_path(path)

    def open(self, path: str, etag: str | None = None) -> OpenFile:
        """Open one object with a request for its first bytes."""
        return BucketFile(self.location.bucket, self._key(path), etag)

    def open_many(self, files: Sequence[FileVersion]) -> Iterator[OpenFile | OSError]:
        """Open objects in the listed versions, with prefetch."""
        return prefetch(lambda file: self.open(file.path, file.etag), files)

    def heads(self, files: Iterable[FileVersion], length: int) -> Iterator[bytes | OSError]:
        """Read the first bytes of objects in the listed versions, with one request each."""
        return prefetch(partial(self._head, length), files)

    def _head(self, length: int, file: FileVersion) -> bytes:
        if not file.size:
            return b""
        return get_range(self.location.bucket, self._key(file.path), 0, length, file.etag).data

    def changed_at(self, path: str) -> float:
        """Return the time at which an object was written, by the server's clock."""
        return float(self._head_object(path)["LastModified"].timestamp())

    def versions(self, files: Sequence[FileVersion]) -> Iterator[FileVersion | OSError]:
        """Return the current versions of objects, in order."""

        def current(file: FileVersion) -> FileVersion:
            found = self._head_object(file.path)
            return FileVersion(
                file.path, found["ContentLength"], None, aws.unquote_etag(found["ETag"])
            )

        return prefetch(current, files)

    def _head_object(self, path: str) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found: dict[str, Any] = self._client.head_object(
                Bucket=self.location.bucket, Key=self._key(path)
            )
        except (BotoCoreError, ClientError) as error:
            if aws.is_service_error(error):
                raise aws.unavailable(error, _ZONE, "read") from None
            if aws.is_gone(error):
                raise FileNotFoundError("no such object") from None
            raise OSError("the metadata of the object cannot be read") from None
        return found

    def exists(self) -> bool:
        """Return True, or raise `StorageUnavailable`; an empty prefix is valid."""
        self._page("", keys=1)
        return True

    def is_empty(self) -> bool:
        """Return False: a bucket that is not reachable raises an error instead."""
        return False

    def count_files(self) -> Iterator[str]:
        """List the keys sequentially with boto3's paginator."""
        from botocore.exceptions import BotoCoreError, ClientError

        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.location.bucket,
            Prefix=self.location.prefix,
            PaginationConfig={"PageSize": self.page_size},
        )
        try:
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield encode_path(entry["Key"][len(self.location.prefix) :])
        except (BotoCoreError, ClientError) as error:
            raise aws.unavailable(error, _ZONE, "listed") from None

    def list_landing(self, *, start: int = 0, deadline: float | None = None) -> Listing:
        """List the zone.

        Key ranges are listed in parallel. If a page after the first one fails, the listing is
        incomplete, like that of a directory with an unreadable folder.

        Parameters
        ----------
        start
            Number of the range to start with. It is ignored if the last listing of this object was
            cut short; the listing then starts there.
        deadline
            When to stop, as a value of ``time.monotonic()``.

        Raises
        ------
        StorageUnavailable
            The first page cannot be listed.
        """
        page = self._page("")
        whole = _Part(reached="")
        if not self._take(page, whole, None):
            return whole.listing
        last = whole.reached or ""
        bounds = [last, *(bound for bound in self._bounds or self._discover() if bound > last)]
        ranges: list[tuple[str, str | None]] = [*pairwise(bounds), (bounds[-1], None)]
        first = bounds.index(self._resume) if self._resume in bounds else start % len(ranges)
        order = [*ranges[first:], *ranges[:first]]
        with ThreadPoolExecutor(PARALLEL) as pool:
            parts = [
                pool.submit(self._list_range, *between, deadline, must=not number)
                for number, between in enumerate(order)
            ]
            cut_at = [part.reached for part in map(Future.result, parts) if self._add(part, whole)]
        whole.ends.sort()
        thin = _thin_out(whole.ends)
        self._bounds = sorted({*thin, *(key for key in cut_at[:_MOST_BOUNDS] if key)})
        self._resume = next(iter(cut_at), None)
        if self._resume is not None:
            whole.listing.next_start = self._bounds.index(self._resume)
        return whole.listing

    @staticmethod
    def _add(part: _Part, whole: _Part) -> bool:
        """Add the listing of a range to the whole; returns whether the range was cut short."""
        whole.listing.files += part.listing.files
        whole.listing.unsettled += part.listing.unsettled
        whole.listing.ignored |= part.listing.ignored
        whole.listing.errors += part.listing.errors
        whole.listing.cut_short |= part.reached is not None
        whole.ends += part.ends
        return part.reached is not None

    def _list_range(
        self, after: str, until: str | None, deadline: float | None, *, must: bool
    ) -> _Part:
        part = _Part(reached=after)
        token = None
        while must or deadline is None or time.monotonic() < deadline:
            must = False
            try:
                page = self._page(after, token)
            except StorageUnavailable:
                part.listing.errors += 1
                part.reached = None
                return part
            if not self._take(page, part, until):
                part.reached = None
                return part
            token = page["NextContinuationToken"]
            if part.reached:
                part.ends.append(part.reached)
        return part

    def _page(
        self, after: str, token: str | None = None, *, keys: int | None = None, **options: str
    ) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        where = {"Bucket": self.location.bucket, "Prefix": self.location.prefix} | options
        if token:
            where["ContinuationToken"] = token
        elif after:
            where["StartAfter"] = after
        try:
            page: dict[str, Any] = self._client.list_objects_v2(
                **where, MaxKeys=keys or self.page_size
            )
        except (BotoCoreError, ClientError) as error:
            raise aws.unavailable(error, _ZONE, "listed") from None
        return page

    def _discover(self) -> list[str]:
        """Return folders that divide the keys: those of the first level with more than one."""
        prefix = self.location.prefix
        for _ in range(_DEEPEST):
            try:
                page = self._page("", Prefix=prefix, Delimiter="/")
            except StorageUnavailable:
                return []
            folders = [entry["Prefix"] for entry in page.get("CommonPrefixes", ())]
            if len(folders) != 1:
                return _thin_out(folders)
            prefix = folders[0]
        return []

    def _take(self, page: dict[str, Any], part: _Part, until: str | None) -> bool:
        """Add the keys of a page to a part; returns whether more keys may follow."""
        now = aws.server_time(page) or time.time()
        listing, cut = part.listing, len(self.location.prefix)
        for entry in page.get("Contents", ()):
            key = entry["Key"]
            if until is not None and key > until:
                return False
            part.reached = key
            young = abs(now - entry["LastModified"].timestamp()) < self.min_file_age_seconds
            etag = aws.unquote_etag(entry["ETag"])
            self.classify(listing, key[cut:], entry["Size"], etag, young=young)
        return bool(page.get("IsTruncated"))

    @staticmethod
    def classify(listing: Listing, name: str, size: int, etag: str, *, young: bool = False) -> None:
        """Add an object to a listing as file, unsettled or ignored, by its key without prefix."""
        text = encode_path(name)
        if not name or name.endswith("/"):
            listing.ignored[text] = Ignored.DIRECTORY_MARKER
        elif name.startswith(".") or "/." in name:
            listing.ignored[text] = Ignored.HIDDEN
        elif name.lower().endswith(TEMPORARY):
            listing.ignored[text] = Ignored.TEMPORARY
        elif young:
            listing.unsettled.append(text)
        else:
            listing.files.append(FileVersion(text, size, None, etag))


def _thin_out(keys: list[str]) -> list[str]:
    """Return at most `_MOST_BOUNDS` of the keys, evenly spaced."""
    return keys[:: max(1, -(-len(keys) // _MOST_BOUNDS))]
