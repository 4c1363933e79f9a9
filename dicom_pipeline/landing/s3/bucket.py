"""A part of an S3 bucket as a landing zone: listing it, and opening its objects.

Belongs here: keys, what is passed over, pages and ranges of keys that are listed side by side.
Does not belong here: ranges of bytes (bucket_file), which files are new (scan), anything written.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

from dicom_pipeline.common import aws as s3
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
    from_text,
    to_text,
)

_MOST_BOUNDS = 64
_DEEPEST = 4
_ZONE = "the landing zone"


@dataclass
class _Part:
    """What was listed of the keys between two bounds; ``reached`` is where it was cut off."""

    listing: Listing = field(default_factory=Listing)
    ends: list[str] = field(default_factory=list)
    reached: str | None = None


class BucketStorage:
    """The objects of a bucket whose keys begin with a prefix.

    The path of a file is its key without the prefix, whatever is in it: an empty name between
    two slashes, blanks, a leading slash. Keys that end in ``/`` are directory markers.

    Parameters
    ----------
    place
        Bucket and prefix.
    min_file_age_seconds
        Objects that were written less than this ago, by the server's clock, wait.
    page_size
        Keys a page of a listing, at most 1000.
    """

    def __init__(
        self, place: S3Location, *, min_file_age_seconds: float = 0, page_size: int = 1000
    ) -> None:
        self.place = place
        self.min_file_age_seconds = min_file_age_seconds
        self.page_size = page_size
        # where the listing before this one met page ends: so that the next one can be shared
        self._bounds: list[str] = []
        self._resume: str | None = None

    @property
    def _client(self) -> Any:
        return s3.client()

    def _key(self, path: str) -> str:
        return self.place.prefix + from_text(path)

    def open(self, path: str, etag: str | None = None) -> OpenFile:
        """Open one object, by a request for its first bytes."""
        return BucketFile(self.place.bucket, self._key(path), etag)

    def opened(self, files: Sequence[FileVersion]) -> Iterator[OpenFile | OSError]:
        """Open objects in the versions that were listed, a few ahead of what is taken."""
        return prefetch(lambda file: self.open(file.path, file.etag), files)

    def heads(self, files: Iterable[FileVersion], length: int) -> Iterator[bytes | OSError]:
        """The first bytes of objects in the versions that were listed, one request each."""
        return prefetch(partial(self._head, length), files)

    def _head(self, length: int, file: FileVersion) -> bytes:
        if not file.size:
            return b""
        return get_range(self.place.bucket, self._key(file.path), 0, length, file.etag).data

    def changed_at(self, path: str) -> float:
        """When an object was written, by the server's clock."""
        return float(self._look(path)["LastModified"].timestamp())

    def versions(self, files: Sequence[FileVersion]) -> Iterator[FileVersion | OSError]:
        """The versions that objects are there in, in their order."""

        def look(file: FileVersion) -> FileVersion:
            found = self._look(file.path)
            return FileVersion(file.path, found["ContentLength"], None, s3.bare(found["ETag"]))

        return prefetch(look, files)

    def _look(self, path: str) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found: dict[str, Any] = self._client.head_object(
                Bucket=self.place.bucket, Key=self._key(path)
            )
        except (BotoCoreError, ClientError) as error:
            if s3.concerns_all(error):
                raise s3.unavailable(error, _ZONE, "read") from None
            if s3.is_gone(error):
                raise FileNotFoundError("no such object") from None
            raise OSError("the object cannot be looked at") from None
        return found

    def is_there(self) -> bool:
        """Say yes, or raise `StorageUnavailable` with what is wrong: a prefix may well be empty."""
        self._page("", keys=1)
        return True

    def is_empty(self) -> bool:
        """Never: a bucket that cannot be reached says so itself."""
        return False

    def count_files(self) -> Iterator[str]:
        """List the keys one page after the other, by boto3's own paginator."""
        from botocore.exceptions import BotoCoreError, ClientError

        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.place.bucket,
            Prefix=self.place.prefix,
            PaginationConfig={"PageSize": self.page_size},
        )
        try:
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield to_text(entry["Key"][len(self.place.prefix) :])
        except (BotoCoreError, ClientError) as error:
            raise s3.unavailable(error, _ZONE, "listed") from None

    def list_landing(self, *, start: int = 0, deadline: float | None = None) -> Listing:
        """List the zone.

        Keys are listed in ranges, side by side. A page that fails behind the first one makes the
        listing incomplete, as a folder does that cannot be read.

        Parameters
        ----------
        start
            Number of the range to begin with, unless this object itself knows where its last
            listing was cut off.
        deadline
            When to stop, as a value of ``time.monotonic()``.

        Raises
        ------
        StorageUnavailable
            Not even the first page can be had.
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
        thin = _thinned(whole.ends)
        self._bounds = sorted({*thin, *(key for key in cut_at[:_MOST_BOUNDS] if key)})
        self._resume = next(iter(cut_at), None)
        if self._resume is not None:
            whole.listing.next_start = self._bounds.index(self._resume)
        return whole.listing

    @staticmethod
    def _add(part: _Part, whole: _Part) -> bool:
        """Add what a range has to the whole. Returns whether it was cut off."""
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

        where = {"Bucket": self.place.bucket, "Prefix": self.place.prefix} | options
        if token:
            where["ContinuationToken"] = token
        elif after:
            where["StartAfter"] = after
        try:
            page: dict[str, Any] = self._client.list_objects_v2(
                **where, MaxKeys=keys or self.page_size
            )
        except (BotoCoreError, ClientError) as error:
            raise s3.unavailable(error, _ZONE, "listed") from None
        return page

    def _discover(self) -> list[str]:
        """Some folders, to part the keys by: of the first level that has more than one."""
        prefix = self.place.prefix
        for _ in range(_DEEPEST):
            try:
                page = self._page("", Prefix=prefix, Delimiter="/")
            except StorageUnavailable:
                return []
            folders = [entry["Prefix"] for entry in page.get("CommonPrefixes", ())]
            if len(folders) != 1:
                return _thinned(folders)
            prefix = folders[0]
        return []

    def _take(self, page: dict[str, Any], part: _Part, until: str | None) -> bool:
        """Sort the keys of a page, and note where it ends. Returns whether more may follow."""
        now = s3.server_time(page) or time.time()
        listing, cut = part.listing, len(self.place.prefix)
        for entry in page.get("Contents", ()):
            key = entry["Key"]
            if until is not None and key > until:
                return False
            part.reached = key
            young = abs(now - entry["LastModified"].timestamp()) < self.min_file_age_seconds
            etag = s3.bare(entry["ETag"])
            self.sort(listing, key[cut:], entry["Size"], etag, young=young)
        return bool(page.get("IsTruncated"))

    @staticmethod
    def sort(listing: Listing, name: str, size: int, etag: str, *, young: bool = False) -> None:
        """Put an object where it belongs in a listing, by its key without the prefix."""
        text = to_text(name)
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


def _thinned(keys: list[str]) -> list[str]:
    """At most `_MOST_BOUNDS` of some keys."""
    return keys[:: max(1, -(-len(keys) // _MOST_BOUNDS))]
