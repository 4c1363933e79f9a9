"""Location of a zone: a local directory or an S3 prefix.

Belongs here: values that name a location and can be sent to worker processes.
Does not belong here: access to a location (landing, landing.s3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SCHEME = "s3://"
# folder of a raw zone in S3: temporary Lambda results; excluded from local copies
BATCHES = "lambda-batches/"
# AWS's rule for bucket names, or the ARN of an access point; other servers are not stricter
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]|arn:[A-Za-z0-9:/_-]+", re.ASCII)


@dataclass(frozen=True)
class S3Location:
    """S3 prefix: the objects of a bucket whose keys begin with it.

    Attributes
    ----------
    bucket
        Name of the bucket.
    prefix
        Empty for the whole bucket; otherwise it ends with ``/``.
    """

    bucket: str
    prefix: str = ""

    @classmethod
    def parse(cls, uri: str) -> S3Location:
        """Parse ``s3://bucket/prefix``. The prefix is not decoded or normalized.

        Raises
        ------
        ValueError
            The URI contains no valid bucket name.
        """
        bucket, _, prefix = uri.removeprefix(SCHEME).partition("/")
        if not uri.startswith(SCHEME) or not _BUCKET.fullmatch(bucket):
            raise ValueError("expected s3://bucket or s3://bucket/prefix")
        return cls(bucket, prefix if not prefix or prefix.endswith("/") else f"{prefix}/")

    def contains(self, other: S3Location) -> bool:
        """Return whether all objects of another location are also objects of this one."""
        return self.bucket == other.bucket and other.prefix.startswith(self.prefix)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}"


Location = Path | S3Location
