"""Conditional writes of objects: only if the object has a known ETag, or does not exist.

Belongs here: sending an object whole or in parts, and distinguishing a conflict from a lost
response.
Does not belong here: the content, and the handling of a conflict (lease,
extract.raw_zone.s3_mirror).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dicom_pipeline.common import aws
from dicom_pipeline.common.errors import WriteConflict
from dicom_pipeline.common.private_files import Data

PART = 16 << 20


def put(
    request: Callable[[Any], dict[str, Any]], *, written: Callable[[], str | None], conflict: str
) -> str:
    """Send a conditional write; returns the new ETag.

    Parameters
    ----------
    request
        Sends the write; its argument is the client.
    written
        Returns the current ETag if this write created the object, else None. This is needed
        because a response may be lost, and the retried request then fails its own condition.
    conflict
        Message of the `WriteConflict`.

    Raises
    ------
    WriteConflict
        Another writer changed the object.
    StorageUnavailable
        The object cannot be written.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return aws.unquote_etag(request(aws.client())["ETag"])
    except (BotoCoreError, ClientError) as error:
        if not aws.is_conflict(error):
            raise aws.unavailable(error, "the raw zone", "written") from None
    etag = written()
    if etag is None:
        raise WriteConflict(conflict)
    return etag


def send(
    client: Any, options: dict[str, Any], condition: dict[str, str], data: Data, *, most: int
) -> dict[str, Any]:
    """Send an object, in parts if it is larger than ``most``.

    Parameters
    ----------
    client
        The S3 client.
    options
        Bucket, key and encryption of the object.
    condition
        ``IfMatch`` or ``IfNoneMatch``.
    data
        The content.
    most
        Largest size of a single request, in bytes.
    """
    answer: dict[str, Any]
    if len(data) <= most:
        answer = client.put_object(**options, **condition, Body=bytes(data))
        return answer
    where = {key: options[key] for key in ("Bucket", "Key")}
    upload = where | {"UploadId": client.create_multipart_upload(**options)["UploadId"]}
    try:
        parts = []
        for number, at in enumerate(range(0, len(data), PART), start=1):
            part = client.upload_part(**upload, PartNumber=number, Body=bytes(data[at : at + PART]))
            parts.append({"PartNumber": number, "ETag": part["ETag"]})
        if "IfMatch" in condition:  # some servers ignore the condition at the end of an upload
            client.head_object(**where, **condition)
        answer = client.complete_multipart_upload(
            **upload, **condition, MultipartUpload={"Parts": parts}
        )
    except BaseException:
        _abort(client, upload)
        raise
    return answer


def _abort(client: Any, upload: dict[str, str]) -> None:
    """Delete the uploaded parts; if that fails, the bucket's lifecycle rule deletes them."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client.abort_multipart_upload(**upload)
    except (BotoCoreError, ClientError):
        return
