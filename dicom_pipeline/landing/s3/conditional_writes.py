"""Writing an object on a condition: that it is the one we know, or that there is none.

Belongs here: sending it, whole or in parts, and telling a conflict from an answer that was lost.
Does not belong here: what is written, and what becomes of a conflict (lease, raw_mirror).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dicom_pipeline.common import aws as s3
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
        Sends it.
    written
        The ETag of what is there, if this very write made it: an answer may be lost, and the same
        request, sent once more, then contradicts itself.
    conflict
        Message of the `WriteConflict` that is raised when somebody else wrote.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return s3.bare(request(s3.client())["ETag"])
    except (BotoCoreError, ClientError) as error:
        if not s3.is_conflict(error):
            raise s3.unavailable(error, "the raw zone", "written") from None
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
    options
        Where it goes, and how it is kept there.
    condition
        ``IfMatch`` or ``IfNoneMatch``.
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
        if "IfMatch" in condition:  # some servers forget it at the end of an upload
            client.head_object(**where, **condition)
        answer = client.complete_multipart_upload(
            **upload, **condition, MultipartUpload={"Parts": parts}
        )
    except BaseException:
        _abort(client, upload)
        raise
    return answer


def _abort(client: Any, upload: dict[str, str]) -> None:
    """Have the server forget the parts; if it does not hear us, the bucket's lifecycle does."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client.abort_multipart_upload(**upload)
    except (BotoCoreError, ClientError):
        return
