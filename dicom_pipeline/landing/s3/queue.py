"""An SQS queue with S3's messages: taking them, and deleting those that are dealt with.

Belongs here: requests to SQS. Does not belong here: what the messages say (events).
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from dicom_pipeline.common import aws as s3
from dicom_pipeline.landing.s3.events import Event, NotAnEvent, events_of

MOST_MESSAGES = 20_000
_PARALLEL = 8
_A_REQUEST = 10  # as many messages as SQS gives at once
# a message that is not deleted by then comes again: the process that had it is gone
_HIDDEN_SECONDS = 600
_QUEUE = "the queue of DICOM_SQS_QUEUE_URL"


@dataclass(frozen=True)
class Message:
    """A message: what it says, and what it is deleted by."""

    receipt: str
    events: tuple[Event, ...]


class EventQueue:
    """A queue that S3 notifies.

    Parameters
    ----------
    url
        As SQS has it.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def take(self, *, deadline: float | None = None) -> list[Message]:
        """Take messages until there are none, or enough, or it is late.

        What is no message of S3 stays in the queue.

        Raises
        ------
        StorageUnavailable
            The queue cannot be read.
        """

        def take_some() -> list[Message]:
            taken: list[Message] = []
            while len(taken) < MOST_MESSAGES // _PARALLEL:
                received = self._receive()
                taken += _messages(received)
                if not received or (deadline is not None and time.monotonic() > deadline):
                    break
            return taken

        first = self._receive()
        if not first:
            return []  # as nearly always: one request
        with ThreadPoolExecutor(_PARALLEL) as pool:
            parts = [pool.submit(take_some) for _ in range(_PARALLEL)]
            return _messages(first) + [message for part in parts for message in part.result()]

    def _receive(self) -> list[dict[str, str]]:
        answer = self._ask(
            "receive_message",
            MaxNumberOfMessages=_A_REQUEST,
            VisibilityTimeout=_HIDDEN_SECONDS,
            # a short wait asks all servers of the queue, no wait only some of them
            WaitTimeSeconds=1,
        )
        received: list[dict[str, str]] = answer.get("Messages", [])
        return received

    def delete(self, messages: list[Message]) -> None:
        """Delete messages; one that cannot be deleted comes again, which does no harm."""
        batches = [messages[i : i + _A_REQUEST] for i in range(0, len(messages), _A_REQUEST)]

        def delete_some(batch: list[Message]) -> None:
            entries = [
                {"Id": str(number), "ReceiptHandle": message.receipt}
                for number, message in enumerate(batch)
            ]
            self._ask("delete_message_batch", Entries=entries)

        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(delete_some, batches))

    def _ask(self, method: str, **arguments: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(s3.client("sqs"), method)(
                QueueUrl=self.url, **arguments
            )
        except (BotoCoreError, ClientError) as error:
            raise s3.unavailable(error, _QUEUE, "read") from None
        return answer


def _messages(received: list[dict[str, str]]) -> list[Message]:
    messages = []
    for one in received:
        try:
            events = tuple(events_of(one["Body"]))
        except NotAnEvent:
            continue
        messages.append(Message(one["ReceiptHandle"], events))
    return messages
