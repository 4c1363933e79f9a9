"""What all code that speaks to S3 shares: the client, and what its errors mean.

Belongs here: time-outs and retries, which errors concern a zone as a whole, one line for each.
Does not belong here: what is listed, read or written (landing.bucket, raw_mirror, lease).

Credentials, region and endpoint are boto3's business: it reads ``AWS_*`` itself. boto3 is imported
where a client is made, since it takes a while and directories do without.
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
_REGION = "the bucket lies in another region; set AWS_DEFAULT_REGION to it"
_THROTTLED = "S3 asks for fewer requests, also after many tries; run again later"
_UNREACHABLE = "S3 cannot be reached; check AWS_ENDPOINT_URL and the network"
_NO_BUCKET = "there is no such bucket"
_NO_QUEUE = "there is no such queue"
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
    "RequestTimeTooSkewed": "the clock of this machine is wrong, so that S3 refuses requests",
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
    "500": "S3 answers with errors, also after many tries; run again later",
    "InternalError": "S3 answers with errors, also after many tries; run again later",
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
    "ConfigNotFound": "boto3's configuration file is not there; check AWS_CONFIG_FILE",
    "TokenRetrievalError": _EXPIRED,
    "UnauthorizedSSOTokenError": _EXPIRED,
    "SSOTokenLoadError": _EXPIRED,
    "InvalidRegionError": "AWS_DEFAULT_REGION is not the name of a region",
    "NoRegionError": "no region is set; set AWS_DEFAULT_REGION",
    "SSLError": "the connection to S3 is not to be trusted; check AWS_CA_BUNDLE",
}


@lru_cache(maxsize=4)
def client(
    service: str = "s3",
    *,
    attempts: int | None = None,
    read_seconds: float = _READ_SECONDS,
    connections: int = CONNECTIONS,
) -> Any:
    """The one client of this process, which threads may share.

    Parameters
    ----------
    service
        As boto3 names it.
    attempts
        Tries of a request, the first included, by a caller that waits itself.
    read_seconds
        How long an answer may take to begin.
    connections
        How many are kept open.

    Raises
    ------
    StorageUnavailable
        What boto3 is told by its variables and files makes no client.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError
    from botocore.session import get_session

    # waits longer from try to try, and sends less while it is asked to
    retries: Any = {"mode": "adaptive", "max_attempts": ATTEMPTS}
    if attempts is not None:
        retries = {"mode": "standard", "total_max_attempts": attempts}
    config = Config(
        retries=retries,
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=read_seconds,
        max_pool_connections=connections,
        tcp_keepalive=True,  # gateways forget connections on which nothing is said for minutes
        user_agent_extra="dicom_pipeline",
    )
    try:
        core = get_session()
        parsers = core.get_component("response_parser_factory")
        parsers.set_parser_defaults(timestamp_parser=_time_of)
        return boto3.session.Session(botocore_session=core).client(service, config=config)
    except BotoCoreError as error:
        raise unavailable(error, "S3") from None
    except ValueError:
        raise StorageUnavailable("AWS_ENDPOINT_URL is not the address of a server") from None


def _time_of(value: Any) -> datetime:
    """Read a time; boto3's own way costs four times as much as all else in a listing."""
    from botocore.utils import parse_timestamp

    if isinstance(value, str):
        for parse in (datetime.fromisoformat, parsedate_to_datetime):
            with suppress(ValueError):
                moment = parse(value)
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    parsed: datetime = parse_timestamp(value)
    return parsed


def fetch(wanted: dict[str, Any], *, most: int | None = None) -> tuple[dict[str, Any], bytes]:
    """Get an object, or a range of it: the answer and its bytes.

    Of a server that knows no ranges, ``most`` bytes are read.

    boto3 tries again what is not answered; an answer that breaks off is asked for again here.
    """
    from botocore.exceptions import BotoCoreError

    for attempt in range(1, _FETCHES + 1):
        answer: dict[str, Any] = client().get_object(**wanted)
        body = answer["Body"]
        try:
            # not as a context manager: that is the connection, without checks of what comes
            return answer, body.read(None if "ContentRange" in answer else most)
        except BotoCoreError:
            if attempt == _FETCHES:
                raise
            time.sleep(0.1 * 2**attempt)
        finally:
            body.close()
    raise AssertionError


def code_of(error: Exception) -> str:
    """The code of an answer that is an error; empty for what is no answer."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def is_gone(error: Exception) -> bool:
    """Whether there is no such object, or no longer in the version that was asked for."""
    return code_of(error) in _GONE


def is_conflict(error: Exception) -> bool:
    """Whether somebody else wrote what was to be written."""
    return code_of(error) in _CONFLICT


def concerns_all(error: Exception) -> bool:
    """Whether other objects would fare the same: credentials, bucket, network, throttling."""
    from botocore.exceptions import BotoCoreError

    if code := code_of(error):
        return code in _LINES
    return isinstance(error, BotoCoreError) and type(error).__name__ not in _OF_ONE_OBJECT


def unavailable(error: Exception, what: str, action: str = "used") -> StorageUnavailable:
    """One line for an error; it never quotes the error, which may name keys or credentials.

    Parameters
    ----------
    error
        What boto3 raised.
    what
        The zone, as in "the landing zone".
    action
        What could not be done: listed, read, written.
    """
    code = code_of(error)
    if code in _DENIED:
        line = f"these credentials lack a permission, so that it cannot be {action}"
    else:
        line = _LINES.get(code) or next(
            (_CLASSES[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _CLASSES),
            f"S3 answers {code}" if code.isalnum() and code else _UNREACHABLE,
        )
    return StorageUnavailable(f"{what}: {line}")


def server_time(response: dict[str, Any]) -> float | None:
    """When the server answered, by its own clock, in seconds since 1970."""
    text = response["ResponseMetadata"]["HTTPHeaders"].get("date")
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None


def quoted(etag: str) -> str:
    """An ETag as the conditions of requests want it."""
    return f'"{etag}"'


def bare(etag: str) -> str:
    """An ETag as manifests and records have it."""
    return etag.strip('"')
