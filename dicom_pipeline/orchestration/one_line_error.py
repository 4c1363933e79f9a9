"""Errors that Dagster shows as one line: in the web UI, in the logs of a run and of the daemon.

Belongs here: the exception, and how the daemon logs it.
Does not belong here: which errors are shown so (failures).

Dagster adds the traceback of its own code to every exception. It shows an error of another process
as that process described it; the exception here is such a description, without a traceback. No
other module uses these names of Dagster, which are private to it: its version is pinned.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterUserCodeProcessError
from dagster._daemon.utils import DaemonErrorCapture
from dagster._utils.error import (  # type: ignore[attr-defined]
    ExceptionInfo,
    SerializableErrorInfo,
    serializable_error_info_from_exc_info,
)

NAME = "UserError"


class OneLineError(dg.Failure, DagsterUserCodeProcessError):
    """A failed step or tick whose message is all that is shown.

    Parameters
    ----------
    message
        The message of a user error; it quotes no value, no name and no path.
    metadata
        Metadata of the failure.
    """

    def __init__(self, message: str, metadata: Mapping[str, Any] | None = None) -> None:
        info = SerializableErrorInfo(f"{message}\n", [], NAME)
        DagsterUserCodeProcessError.__init__(  # type: ignore[no-untyped-call]
            self, message, user_code_process_error_infos=[info]
        )
        failure = dg.Failure(message, metadata)
        self.description = failure.description
        self.metadata = failure.metadata
        self.allow_retries = failure.allow_retries


def log_in_one_line() -> None:
    """Make the daemon of this process log such errors without the traceback of its own code."""
    DaemonErrorCapture.process_exception = _log


def one_line_of(info: SerializableErrorInfo | None) -> str | None:
    """Return the message of a `OneLineError` as Dagster stored it; None for any other error."""
    if info is None or info.cls_name != NAME or info.stack:
        return None
    return info.message.rstrip()


def _log(
    exc_info: ExceptionInfo, logger: logging.Logger, log_message: str
) -> SerializableErrorInfo:
    """Log an error of a tick, and return its description, which the web UI shows."""
    info = serializable_error_info_from_exc_info(exc_info)
    if line := one_line_of(info):
        logger.error("%s: %s", log_message, line)
    else:
        logger.error(log_message, exc_info=exc_info)
    return info
