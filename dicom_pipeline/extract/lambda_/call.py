"""One call of the function on AWS Lambda, and what its answers and errors mean.

Belongs here: the client, waiting and asking again, which errors are one batch's and which all's.
Does not belong here: which batches there are and what becomes of one that failed (lambda_pool).
"""

from __future__ import annotations

import json
import random
import threading
from typing import Any, NoReturn

from dicom_pipeline.common import aws as s3
from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.extract.lambda_.batch import Batch, Outcome
from dicom_pipeline.headers.reader import Reason

ATTEMPTS = 12
LONGEST_WAIT = 20.0
FIRST_WAIT = 0.5
# longer than a function may run, so that it is Lambda that ends it
READ_SECONDS = 930.0
_NAME = "the Lambda function"

_DEPLOY = "make lambda-package, and deploy it again"
_AGAIN = "also after many tries; run again later"
_CREDENTIALS = "the credentials are not accepted; check AWS_ACCESS_KEY_ID, AWS_PROFILE"
_EXPIRED = "the credentials have expired; renew them and run again"
_KMS = "its KMS key cannot be used; check the key, and what the function's role may do with it"
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
    "TooManyRequestsException": f"Lambda asks for fewer calls, {_AGAIN}",
    "ThrottlingException": f"Lambda asks for fewer calls, {_AGAIN}",
    "KMSAccessDeniedException": _KMS,
    "KMSDisabledException": _KMS,
    "KMSInvalidStateException": _KMS,
    "KMSNotFoundException": _KMS,
    "InvalidRuntimeException": f"it cannot start; {_DEPLOY}",
    "InvalidZipFileException": f"it cannot start; {_DEPLOY}",
    "ResourceConflictException": "it is being changed; run again later",
    "ResourceNotReadyException": "it is being changed; run again later",
}
# another try may well go through
_BUSY = {
    "TooManyRequestsException", "ThrottlingException", "ResourceConflictException",
    "ResourceNotReadyException", "SnapStartNotReadyException", "EC2ThrottledException",
}  # fmt: skip
_LASTING = {code for code in _LINES if code.startswith(("KMS", "Invalid"))}
# Lambda could not even start the function
_NO_START = (
    "Runtime.ImportModuleError", "Runtime.HandlerNotFound", "Runtime.UserCodeSyntaxError",
    "Runtime.MalformedHandlerName", "Runtime.InvalidEntrypoint", "Runtime.InvalidRuntime",
    "Runtime.UnsupportedRuntime",
)  # fmt: skip


class LambdaCall:
    """Calls of one function.

    Parameters
    ----------
    function
        Its name or ARN, with a version or an alias or without.
    connections
        How many calls there are at the same time.
    """

    def __init__(self, function: str, *, connections: int) -> None:
        self.function = function
        self._connections = connections
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Have no call ask again."""
        self._stopped.set()

    def __call__(self, batch: Batch) -> Reason | None:
        """Have a batch read.

        Returns
        -------
        Reason or None
            None when its rows are in its object; else why a file of it may be the cause.

        Raises
        ------
        StorageUnavailable
            No batch can be read, whichever files it has.
        """
        payload = json.dumps(batch.event(), ensure_ascii=False, separators=(",", ":")).encode()
        for attempt in range(1, ATTEMPTS + 1):
            if self._stopped.is_set():
                break
            outcome = self._ask(payload, last=attempt == ATTEMPTS)
            if isinstance(outcome, dict):
                return _judged(outcome, batch)
            if outcome is not None:
                return outcome
            # not all at the same time
            pause = min(LONGEST_WAIT, FIRST_WAIT * 2**attempt) * random.uniform(0.5, 1)  # noqa: S311
            self._stopped.wait(pause)
        raise StorageUnavailable(f"{_NAME}: it was not called, since the step was ended")

    def _ask(self, payload: bytes, *, last: bool) -> dict[str, Any] | Reason | None:
        """Call once: the answer, how it failed, or None for another try."""
        from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

        client = s3.client(
            "lambda", attempts=1, read_seconds=READ_SECONDS, connections=self._connections
        )
        try:
            answer = client.invoke(FunctionName=self.function, Payload=payload)
            data = answer["Payload"].read()
        except ReadTimeoutError:
            return Reason.TIMEOUT
        except ClientError as error:
            if s3.code_of(error) == "RequestTooLargeException":
                return Reason.WORKER_CRASHED
            if last or not _may_pass(error):
                _give_up(error)
            return None
        except BotoCoreError as error:
            if last or not _is_of_network(error):
                _give_up(error)
            return None
        if "FunctionError" in answer:
            return _failure(data)
        try:
            said = json.loads(data)
        except ValueError:
            said = None
        return said if isinstance(said, dict) else Reason.WORKER_CRASHED


def _judged(answer: dict[str, Any], batch: Batch) -> Reason | None:
    """What the function itself said."""
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
        return Reason.WORKER_CRASHED
    if outcome == Outcome.FAILED:
        return Reason.DECODE_ERROR
    raise StorageUnavailable(f"{_NAME}: it is not that of dicom_pipeline; {_DEPLOY}")


def _failure(data: bytes) -> Reason:
    """What Lambda says of a function that did not answer; its text may quote anything."""
    try:
        said = json.loads(data)
        kind, text = str(said.get("errorType", "")), str(said.get("errorMessage", ""))
    except (ValueError, AttributeError):
        return Reason.WORKER_CRASHED
    if kind in _NO_START:
        raise StorageUnavailable(f"{_NAME}: it cannot start; {_DEPLOY}")
    if kind == "Sandbox.Timedout" or "Task timed out after" in text:
        return Reason.TIMEOUT
    return Reason.WORKER_CRASHED


def _may_pass(error: Any) -> bool:
    """Whether the same call may go through later."""
    code = s3.code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code in _BUSY or (status >= 500 and code not in _LASTING)


def _is_of_network(error: Exception) -> bool:
    from botocore.exceptions import (
        ConnectionError,  # noqa: A004 - boto3's own
        HTTPClientError,
        IncompleteReadError,
        SSLError,
    )

    broken = (ConnectionError, HTTPClientError, IncompleteReadError)
    return isinstance(error, broken) and not isinstance(error, SSLError)


def _give_up(error: Exception) -> NoReturn:
    code = s3.code_of(error)
    if code in _LINES:
        line = _LINES[code]
    elif code:
        line = f"Lambda answers {code}, {_AGAIN}" if code.isalnum() else f"Lambda fails, {_AGAIN}"
    elif _is_of_network(error):
        line = "Lambda cannot be reached; check AWS_ENDPOINT_URL_LAMBDA and the network"
    else:
        raise s3.unavailable(error, _NAME) from None
    raise StorageUnavailable(f"{_NAME}: {line}") from None
