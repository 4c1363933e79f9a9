"""One call of the AWS Lambda function, and the meaning of its responses and errors.

Belongs here: the client, retries with backoff, and the distinction between errors of one batch
and errors of all batches.
Does not belong here: the choice of batches and the handling of failed ones (pool).
"""

from __future__ import annotations

import json
import random
import threading
from typing import Any, NoReturn

from dicom_pipeline.common import aws
from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.extract.lambda_.batch import Batch, Outcome
from dicom_pipeline.headers.reader import RejectReason

ATTEMPTS = 12
LONGEST_WAIT = 20.0  # seconds
FIRST_WAIT = 0.5  # seconds
# longer than Lambda's maximum run time of 900 s, so that Lambda reports the timeout
READ_SECONDS = 930.0
_NAME = "the Lambda function"

_DEPLOY = "make lambda-package, and deploy it again"
_RETRIED = "also after many tries; run again later"
_CREDENTIALS = "the credentials are not accepted; check AWS_ACCESS_KEY_ID, AWS_PROFILE"
_EXPIRED = "the credentials have expired; renew them and run again"
_KMS = "its KMS key cannot be used; check the key and the permissions of the function's role"
_LINES = {
    "ResourceNotFoundException": "there is none of that name in this region; check "
    "DICOM_LAMBDA_FUNCTION, AWS_DEFAULT_REGION",
    "AccessDeniedException": "these credentials lack the permission lambda:InvokeFunction",
    "AccessDenied": "these credentials lack the permission lambda:InvokeFunction",
    "UnrecognizedClientException": _CREDENTIALS,
    "InvalidClientTokenId": _CREDENTIALS,
    "InvalidSignatureException": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "IncompleteSignature": _CREDENTIALS,
    "MissingAuthenticationToken": _CREDENTIALS,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "ValidationException": "DICOM_LAMBDA_FUNCTION is not the name of a function",
    "TooManyRequestsException": f"Lambda requires fewer calls (throttling), {_RETRIED}",
    "ThrottlingException": f"Lambda requires fewer calls (throttling), {_RETRIED}",
    "KMSAccessDeniedException": _KMS,
    "KMSDisabledException": _KMS,
    "KMSInvalidStateException": _KMS,
    "KMSNotFoundException": _KMS,
    "InvalidRuntimeException": f"it cannot start; {_DEPLOY}",
    "InvalidZipFileException": f"it cannot start; {_DEPLOY}",
    "ResourceConflictException": "it is being changed; run again later",
    "ResourceNotReadyException": "it is being changed; run again later",
}
# temporary: a retry may succeed
_RETRYABLE = {
    "TooManyRequestsException", "ThrottlingException", "ResourceConflictException",
    "ResourceNotReadyException", "SnapStartNotReadyException", "EC2ThrottledException",
}  # fmt: skip
_PERMANENT = {code for code in _LINES if code.startswith(("KMS", "Invalid"))}
# error types of a function that Lambda cannot start
_START_ERRORS = (
    "Runtime.ImportModuleError", "Runtime.HandlerNotFound", "Runtime.UserCodeSyntaxError",
    "Runtime.MalformedHandlerName", "Runtime.InvalidEntrypoint", "Runtime.InvalidRuntime",
    "Runtime.UnsupportedRuntime",
)  # fmt: skip


class LambdaCall:
    """Calls of one function.

    Parameters
    ----------
    function
        Name or ARN of the function, optionally with a version or an alias.
    connections
        Maximum number of concurrent calls.
    """

    def __init__(self, function: str, *, connections: int) -> None:
        self.function = function
        self._connections = connections
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Stop retries of all calls."""
        self._stopped.set()

    def __call__(self, batch: Batch) -> RejectReason | None:
        """Read a batch.

        Returns
        -------
        RejectReason or None
            None if the object has the rows of the batch; otherwise the reason for which one of
            its files may have failed.

        Raises
        ------
        StorageUnavailable
            The failure does not depend on the files of the batch.
        """
        payload = json.dumps(batch.event(), ensure_ascii=False, separators=(",", ":")).encode()
        for attempt in range(1, ATTEMPTS + 1):
            if self._stopped.is_set():
                break
            outcome = self._invoke(payload, last=attempt == ATTEMPTS)
            if isinstance(outcome, dict):
                return _result_of(outcome, batch)
            if outcome is not None:
                return outcome
            # random, so that concurrent calls do not retry at the same time
            pause = min(LONGEST_WAIT, FIRST_WAIT * 2**attempt) * random.uniform(0.5, 1)  # noqa: S311
            self._stopped.wait(pause)
        raise StorageUnavailable(f"{_NAME}: it was not called because the step was stopped")

    def _invoke(self, payload: bytes, *, last: bool) -> dict[str, Any] | RejectReason | None:
        """Call once; return the response, the reason of a failure, or None for a retry."""
        from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

        client = aws.client(
            "lambda", attempts=1, read_seconds=READ_SECONDS, connections=self._connections
        )
        try:
            answer = client.invoke(FunctionName=self.function, Payload=payload)
            data = answer["Payload"].read()
        except ReadTimeoutError:
            return RejectReason.TIMEOUT
        except ClientError as error:
            if aws.code_of(error) == "RequestTooLargeException":
                return RejectReason.WORKER_CRASHED
            if last or not _is_retryable(error):
                _raise_unavailable(error)
            return None
        except BotoCoreError as error:
            if last or not _is_network_error(error):
                _raise_unavailable(error)
            return None
        if "FunctionError" in answer:
            return _failure(data)
        try:
            response = json.loads(data)
        except ValueError:
            response = None
        return response if isinstance(response, dict) else RejectReason.WORKER_CRASHED


def _result_of(answer: dict[str, Any], batch: Batch) -> RejectReason | None:
    """Translate a response of the function."""
    outcome = answer.get("outcome")
    if outcome == Outcome.DONE and answer.get("files") == len(batch.files):
        return None
    if outcome == Outcome.OTHER_VERSION:
        raise StorageUnavailable(
            f"{_NAME}: it was deployed from another version or another mapping; {_DEPLOY}"
        )
    if outcome == Outcome.UNAVAILABLE:
        raise StorageUnavailable(f"in {_NAME}, {answer.get('line', 'a zone')}")
    if outcome == Outcome.NO_MEMORY:
        return RejectReason.WORKER_CRASHED
    if outcome == Outcome.FAILED:
        return RejectReason.DECODE_ERROR
    raise StorageUnavailable(f"{_NAME}: it is not the function of dicom_pipeline; {_DEPLOY}")


def _failure(data: bytes) -> RejectReason:
    """Translate Lambda's error of a function without a response; its text may quote values."""
    try:
        error = json.loads(data)
        kind, text = str(error.get("errorType", "")), str(error.get("errorMessage", ""))
    except (ValueError, AttributeError):
        return RejectReason.WORKER_CRASHED
    if kind in _START_ERRORS:
        raise StorageUnavailable(f"{_NAME}: it cannot start; {_DEPLOY}")
    if kind == "Sandbox.Timedout" or "Task timed out after" in text:
        return RejectReason.TIMEOUT
    return RejectReason.WORKER_CRASHED


def _is_retryable(error: Any) -> bool:
    """Return whether a retry of the same call may succeed."""
    code = aws.code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code in _RETRYABLE or (status >= 500 and code not in _PERMANENT)


def _is_network_error(error: Exception) -> bool:
    from botocore.exceptions import (
        ConnectionError,  # noqa: A004 - boto3's own
        HTTPClientError,
        IncompleteReadError,
        SSLError,
    )

    broken = (ConnectionError, HTTPClientError, IncompleteReadError)
    return isinstance(error, broken) and not isinstance(error, SSLError)


def _raise_unavailable(error: Exception) -> NoReturn:
    code = aws.code_of(error)
    if code in _LINES:
        line = _LINES[code]
    elif code:
        name = f"Lambda answers {code}" if code.isalnum() else "Lambda fails"
        line = f"{name}, {_RETRIED}"
    elif _is_network_error(error):
        line = "Lambda cannot be reached; check AWS_ENDPOINT_URL_LAMBDA and the network"
    else:
        raise aws.unavailable(error, _NAME) from None
    raise StorageUnavailable(f"{_NAME}: {line}") from None
