"""Where a zone lies: a directory, or a part of a bucket; told apart by the URI.

Belongs here: names of places, small enough to be sent to worker processes.
Does not belong here: anything that reaches a place (landing, s3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SCHEME = "s3://"
# a folder of a raw zone in a bucket: rows on their way from AWS Lambda, no part of its copies
BATCHES = "lambda-batches/"
# as AWS names buckets, and access points by their ARN; other servers are not stricter
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]|arn:[A-Za-z0-9:/_-]+", re.ASCII)


@dataclass(frozen=True)
class S3Location:
    """The objects of a bucket whose keys begin with a prefix.

    Attributes
    ----------
    bucket
        Name of the bucket.
    prefix
        Empty for the whole bucket; else it ends with ``/``.
    """

    bucket: str
    prefix: str = ""

    @classmethod
    def parse(cls, uri: str) -> S3Location:
        """Read ``s3://bucket/prefix``. What stands behind the bucket is taken as it is written.

        Raises
        ------
        ValueError
            It names no bucket.
        """
        bucket, _, prefix = uri.removeprefix(SCHEME).partition("/")
        if not uri.startswith(SCHEME) or not _BUCKET.fullmatch(bucket):
            raise ValueError("expected s3://bucket or s3://bucket/prefix")
        return cls(bucket, prefix if not prefix or prefix.endswith("/") else f"{prefix}/")

    def contains(self, other: S3Location) -> bool:
        """Whether all objects of another place are objects of this one."""
        return self.bucket == other.bucket and other.prefix.startswith(self.prefix)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}"


Location = Path | S3Location
