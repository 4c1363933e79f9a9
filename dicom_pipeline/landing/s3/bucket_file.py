"""One object of a bucket as an open file: ranges of it, each fetched once.

Belongs here: ranged requests, what they are conditional on, what of them is kept.
Does not belong here: listing (bucket), and what the bytes mean.
"""

from __future__ import annotations

from dataclasses import dataclass

from dicom_pipeline.common import aws as s3
from dicom_pipeline.common.open_file import OpenFile

# with the 8 KiB of the scan, two requests and 24 KiB for a file whose header ends in it
FIRST_RANGE = 16_384
LARGEST_RANGE = 1 << 20
_EMPTY = {"InvalidRange", "416"}


@dataclass(frozen=True)
class Range:
    """Bytes of an object, its size, and the ETag of the version they are of."""

    data: bytes
    size: int
    etag: str | None


def get_range(bucket: str, key: str, offset: int, length: int, etag: str | None) -> Range:
    """Fetch up to ``length`` bytes from ``offset``.

    Raises
    ------
    FileNotFoundError
        There is no such object, or no longer in the version of ``etag``.
    OSError
        It cannot be read. The message names neither the object nor a value.
    StorageUnavailable
        No object can be read.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    wanted = {"Bucket": bucket, "Key": key, "Range": f"bytes={offset}-{offset + length - 1}"}
    if etag is not None:
        wanted["IfMatch"] = s3.quoted(etag)
    try:
        answer, data = s3.fetch(wanted, most=length)
    except (BotoCoreError, ClientError) as error:
        if s3.code_of(error) in _EMPTY and offset == 0:
            return Range(b"", 0, etag)
        if s3.is_gone(error):
            raise FileNotFoundError("no such object, or no longer in this version") from None
        if s3.concerns_all(error):
            raise s3.unavailable(error, "the landing zone", "read") from None
        raise OSError("the object cannot be read") from None
    found = s3.bare(answer["ETag"]) if "ETag" in answer else None
    said = answer.get("ContentRange")
    if said is None and offset:  # a server that knows no ranges sends all of it
        raise OSError("the server sends no ranges")
    size = int(answer["ContentLength"] if said is None else said.rpartition("/")[2])
    if len(data) != min(length, size - offset):
        raise OSError("the object cannot be read to its end")
    return Range(data, size, found)


class BucketFile(OpenFile):
    """An `OpenFile` of an object; what it gives is of one version, or an error.

    Parameters
    ----------
    bucket, key
        Where it is.
    etag
        The version that is wanted; None for the one that is there at the first request.
    """

    growth = FIRST_RANGE // 2  # the rest of the first range, which is there

    def __init__(self, bucket: str, key: str, etag: str | None) -> None:
        self._where = (bucket, key)
        first = get_range(*self._where, 0, FIRST_RANGE, etag)
        self.size = first.size
        self._etag = first.etag or etag
        self._first = first.data
        self._latest = (0, b"")
        self._growth = FIRST_RANGE

    def read_at(self, offset: int, length: int) -> bytes:
        """Read up to ``length`` bytes from ``offset``; what is there already costs no request."""
        end = min(offset + length, self.size)
        if offset >= end:
            return b""
        kept = b""
        for start, data in ((0, self._first), self._latest):
            if start <= offset < start + len(data):
                if end <= start + len(data):
                    return data[offset - start : end - start]
                kept = max(kept, data[offset - start :], key=len)
        begin = offset + len(kept)
        wanted = min(max(end - begin, self._growth), self.size - begin)
        more = get_range(*self._where, begin, wanted, self._etag).data
        if len(more) < end - begin:
            raise OSError("the object is shorter than it was")
        self._growth = min(2 * self._growth, LARGEST_RANGE)
        self._latest = (offset, kept + more)
        return self._latest[1][: end - offset]

    def close(self) -> None:
        """Let go of the bytes."""
        self._first, self._latest = b"", (0, b"")
