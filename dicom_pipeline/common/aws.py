"""The boto3 client that all AWS code shares, and the translation of its errors.

Belongs here: timeouts and retries, which errors affect a whole zone, one message for each error.
Does not belong here: listing, reading or writing objects (landing.s3, extract.raw_zone.s3_mirror).

Credentials, region and endpoint are left to boto3, which reads ``AWS_*`` itself. boto3 is imported
only when a client is created: the import is slow, and directories do not need it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from dicom_pipeline.common.errors import StorageUnavailable

CONNECTIONS = 32
ATTEMPTS = 8
_FETCHES = 3
_CONNECT_SECONDS = 10
_READ_SECONDS = 60

_GONE = {"NoSuchKey", "404", "NotFound", "NoSuchVersion", "412", "PreconditionFailed"}
_CONFLICT = {
    "PreconditionFailed", "412", "ConditionalRequestConflict", "409", "NoSuchKey", "NoSuchUpload",
    "OperationAborted",
}  # fmt: skip
_CREDENTIALS = "the credentials for S3 are not accepted; check AWS_ACCESS_KEY_ID, AWS_PROFILE"
_EXPIRED = "the credentials for S3 have expired; renew them and run again"
_REGION = "the bucket is in another region; set AWS_DEFAULT_REGION to that region"
_THROTTLED = "S3 still asks for fewer requests after several retries; run again later"
_SERVER_ERROR = "S3 answers with errors, also after several retries; run again later"
_UNREACHABLE = "S3 cannot be reached; check AWS_ENDPOINT_URL and the network"
_NO_BUCKET = "there is no such bucket; check the URI of the zone in the settings"
_NO_QUEUE = "there is no such queue; check its URL and AWS_DEFAULT_REGION"
_LINES = {
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "InvalidClientTokenId": _CREDENTIALS,
    "UnrecognizedClientException": _CREDENTIALS,
    "InvalidToken": _CREDENTIALS,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "RequestTimeTooSkewed": "S3 refuses requests: the clock of this machine is wrong; set it",
    "NoSuchBucket": _NO_BUCKET,
    "InvalidBucketName": _NO_BUCKET,
    "PermanentRedirect": _REGION,
    "TemporaryRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "301": _REGION,
    "AWS.SimpleQueueService.NonExistentQueue": _NO_QUEUE,
    "QueueDoesNotExist": _NO_QUEUE,
    "SlowDown": _THROTTLED,
    "Throttling": _THROTTLED,
    "ThrottlingException": _THROTTLED,
    "TooManyRequestsException": _THROTTLED,
    "RequestLimitExceeded": _THROTTLED,
    "503": _THROTTLED,
    "ServiceUnavailable": _THROTTLED,
    "500": _SERVER_ERROR,
    "InternalError": _SERVER_ERROR,
}
_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AllAccessDisabled",
    "AccountProblem",
    "403",
    "Forbidden",
}
_OF_ONE_OBJECT = {
    "ReadTimeoutError", "IncompleteReadError", "ResponseStreamingError", "ParamValidationError",
}  # fmt: skip
_NO_CREDENTIALS = "there are no credentials for S3; set AWS_PROFILE, or AWS_ACCESS_KEY_ID"
_CLASSES = {
    "NoCredentialsError": _NO_CREDENTIALS,
    "PartialCredentialsError": _NO_CREDENTIALS,
    "CredentialRetrievalError": _NO_CREDENTIALS,
    "ProfileNotFound": "there is no such profile for S3; check AWS_PROFILE",
    "ConfigParseError": "boto3's configuration file cannot be read; check AWS_CONFIG_FILE",
    "ConfigNotFound": "boto3's configuration file does not exist; check AWS_CONFIG_FILE",
    "TokenRetrievalError": _EXPIRED,
    "UnauthorizedSSOTokenError": _EXPIRED,
    "SSOTokenLoadError": _EXPIRED,
    "InvalidRegionError": "AWS_DEFAULT_REGION is not the name of a region",
    "NoRegionError": "no region is set; set AWS_DEFAULT_REGION",
    "SSLError": "the TLS certificate of S3 cannot be verified; check AWS_CA_BUNDLE",
}


@lru_cache(maxsize=4)
def client(
    service: str = "s3",
    *,
    attempts: int | None = None,
    read_seconds: float = _READ_SECONDS,
    connections: int = CONNECTIONS,
) -> Any:
    """Return the client of this process. Threads may share it.

    Parameters
    ----------
    service
        Service name as in boto3.
    attempts
        Attempts per request, including the first, for a caller that waits between them itself.
        None for boto3's adaptive retries.
    read_seconds
        Read timeout in seconds.
    connections
        Size of the connection pool.

    Raises
    ------
    StorageUnavailable
        boto3 cannot create a client from its environment variables and configuration files.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError
    from botocore.session import get_session

    # adaptive: backs off between attempts and reduces the request rate while S3 throttles
    retries: Any = {"mode": "adaptive", "max_attempts": ATTEMPTS}
    if attempts is not None:
        retries = {"mode": "standard", "total_max_attempts": attempts}
    config = Config(
        retries=retries,
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=read_seconds,
        max_pool_connections=connections,
        tcp_keepalive=True,  # gateways drop connections that are idle for minutes
        user_agent_extra="dicom_pipeline",
    )
    try:
        core = get_session()
        parsers = core.get_component("response_parser_factory")
        parsers.set_parser_defaults(timestamp_parser=_parse_time)
        return boto3.session.Session(botocore_session=core).client(service, config=config)
    except BotoCoreError as error:
        raise unavailable(error, "S3") from None
    except ValueError:
        raise StorageUnavailable("AWS_ENDPOINT_URL is not a valid URL of a server") from None


def _parse_time(value: Any) -> datetime:
    """Parse a time. botocore's own parser takes four times as long as the rest of a listing."""
    from botocore.utils import parse_timestamp

    if isinstance(value, str):
        for parse in (datetime.fromisoformat, parsedate_to_datetime):
            with suppress(ValueError):
                moment = parse(value)
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    parsed: datetime = parse_timestamp(value)
    return parsed


def get_object(
    wanted: dict[str, Any], *, max_bytes: int | None = None
) -> tuple[dict[str, Any], bytes]:
    """Get an object, or a range of it; returns the response and its bytes.

    boto3 retries a request that gets no response. This function also retries a response whose
    body breaks off.

    Parameters
    ----------
    wanted
        Arguments of ``get_object``.
    max_bytes
        Bytes to read from a server that ignores ``Range`` and sends the whole object.
    """
    from botocore.exceptions import BotoCoreError

    for attempt in range(1, _FETCHES + 1):
        answer: dict[str, Any] = client().get_object(**wanted)
        body = answer["Body"]
        try:
            # as a context manager the body is the raw stream, which does not check the length
            return answer, body.read(None if "ContentRange" in answer else max_bytes)
        except BotoCoreError:
            if attempt == _FETCHES:
                raise
            time.sleep(0.1 * 2**attempt)
        finally:
            body.close()
    raise AssertionError


def code_of(error: Exception) -> str:
    """Return the error code of a response; empty if the error is not a response."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def is_gone(error: Exception) -> bool:
    """Whether the object does not exist, or no longer in the requested version."""
    return code_of(error) in _GONE


def is_conflict(error: Exception) -> bool:
    """Whether another writer changed the object that was to be written."""
    return code_of(error) in _CONFLICT


def is_service_error(error: Exception) -> bool:
    """Whether the error affects all objects: credentials, bucket, network, throttling."""
    from botocore.exceptions import BotoCoreError

    if code := code_of(error):
        return code in _LINES
    return isinstance(error, BotoCoreError) and type(error).__name__ not in _OF_ONE_OBJECT


def unavailable(error: Exception, what: str, action: str = "used") -> StorageUnavailable:
    """Convert an error of boto3 to one line that does not quote it.

    The original message may contain object keys or credentials.

    Parameters
    ----------
    error
        The error that boto3 raised.
    what
        The zone, as in "the landing zone".
    action
        The action that failed: listed, read, written.
    """
    code = code_of(error)
    if code in _DENIED:
        line = f"it cannot be {action}: the credentials lack a permission; grant it and run again"
    else:
        line = _LINES.get(code) or next(
            (_CLASSES[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _CLASSES),
            f"S3 answers {code}" if code.isalnum() and code else _UNREACHABLE,
        )
    return StorageUnavailable(f"{what}: {line}")


def server_time(response: dict[str, Any]) -> float | None:
    """Return the server's time of a response (its ``Date`` header), in seconds since 1970."""
    text = response["ResponseMetadata"]["HTTPHeaders"].get("date")
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None


def quote_etag(etag: str) -> str:
    """Return an ETag with quotes, as in conditions of requests."""
    return f'"{etag}"'


def unquote_etag(etag: str) -> str:
    """Return an ETag without quotes, as in manifests and the mirror index."""
    return etag.strip('"')
