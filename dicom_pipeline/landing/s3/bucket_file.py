"""Object of a bucket as an open file that fetches each byte range once.

Belongs here: range requests, their conditions, and the buffer.
Does not belong here: listing (bucket), and parsing the bytes (headers).
"""

from __future__ import annotations

from dataclasses import dataclass

from dicom_pipeline.common import aws
from dicom_pipeline.common.open_file import OpenFile

# a file whose header ends within this range needs two requests and 24 KiB, with the scan's 8 KiB
FIRST_RANGE = 16_384
LARGEST_RANGE = 1 << 20
_EMPTY = {"InvalidRange", "416"}


@dataclass(frozen=True)
class Range:
    """Bytes of an object, the size of the object, and the ETag of its version."""

    data: bytes
    size: int
    etag: str | None


def get_range(bucket: str, key: str, offset: int, length: int, etag: str | None) -> Range:
    """Fetch up to ``length`` bytes from ``offset``.

    Raises
    ------
    FileNotFoundError
        The object does not exist, or its ETag has changed.
    OSError
        The object cannot be read. The message contains neither its key nor a value.
    StorageUnavailable
        The bucket as a whole cannot be read.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    wanted = {"Bucket": bucket, "Key": key, "Range": f"bytes={offset}-{offset + length - 1}"}
    if etag is not None:
        wanted["IfMatch"] = aws.quote_etag(etag)
    try:
        answer, data = aws.get_object(wanted, max_bytes=length)
    except (BotoCoreError, ClientError) as error:
        if aws.code_of(error) in _EMPTY and offset == 0:
            return Range(b"", 0, etag)
        if aws.is_gone(error):
            raise FileNotFoundError("no such object, or no longer in this version") from None
        if aws.is_service_error(error):
            raise aws.unavailable(error, "the landing zone", "read") from None
        raise OSError("the object cannot be read") from None
    found = aws.unquote_etag(answer["ETag"]) if "ETag" in answer else None
    content_range = answer.get("ContentRange")
    if content_range is None and offset:  # the server sent the whole object
        raise OSError("the server does not support range requests")
    size = int(
        answer["ContentLength"] if content_range is None else content_range.rpartition("/")[2]
    )
    if len(data) != min(length, size - offset):
        raise OSError("the object cannot be read to its end")
    return Range(data, size, found)


class BucketFile(OpenFile):
    """`OpenFile` of an object. All bytes come from one version; otherwise an error is raised.

    Parameters
    ----------
    bucket, key
        Bucket and key of the object.
    etag
        ETag of the wanted version; None for the current version at the first request.
    """

    growth = FIRST_RANGE // 2  # the rest of the first range, which is already fetched

    def __init__(self, bucket: str, key: str, etag: str | None) -> None:
        self._where = (bucket, key)
        first = get_range(*self._where, 0, FIRST_RANGE, etag)
        self.size = first.size
        self._etag = first.etag or etag
        self._first = first.data
        self._latest = (0, b"")
        self._growth = FIRST_RANGE

    def read_at(self, offset: int, length: int) -> bytes:
        """Read up to ``length`` bytes from ``offset``; fetched bytes need no new request."""
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
            raise OSError("the object is shorter than at the first request")
        self._growth = min(2 * self._growth, LARGEST_RANGE)
        self._latest = (offset, kept + more)
        return self._latest[1][: end - offset]

    def close(self) -> None:
        """Release the fetched bytes."""
        self._first, self._latest = b"", (0, b"")
