"""SQS queue with event notifications of S3: receiving and deleting messages.

Belongs here: requests to SQS.
Does not belong here: the content of the messages (events).
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from dicom_pipeline.common import aws
from dicom_pipeline.landing.s3.events import Event, NotAnEvent, events_of

MOST_MESSAGES = 20_000
_PARALLEL = 8
_BATCH_SIZE = 10  # largest number of messages per request of SQS
# visibility timeout: a message that is not deleted by then is delivered again
_VISIBILITY_SECONDS = 600
_QUEUE = "the queue of DICOM_SQS_QUEUE_URL"


@dataclass(frozen=True)
class Message:
    """Message with its events, and the receipt handle for its deletion."""

    receipt: str
    events: tuple[Event, ...]


class EventQueue:
    """Queue that receives event notifications of S3.

    Parameters
    ----------
    url
        URL of the queue.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def take(self, *, deadline: float | None = None) -> list[Message]:
        """Receive messages until the queue is empty, `MOST_MESSAGES` are received, or time is up.

        Messages that are not from S3 stay in the queue.

        Parameters
        ----------
        deadline
            When to stop, as a value of ``time.monotonic()``.

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
            return []  # the common case needs one request
        with ThreadPoolExecutor(_PARALLEL) as pool:
            parts = [pool.submit(take_some) for _ in range(_PARALLEL)]
            return _messages(first) + [message for part in parts for message in part.result()]

    def _receive(self) -> list[dict[str, str]]:
        answer = self._request(
            "receive_message",
            MaxNumberOfMessages=_BATCH_SIZE,
            VisibilityTimeout=_VISIBILITY_SECONDS,
            # long polling asks all servers of the queue, short polling only some of them
            WaitTimeSeconds=1,
        )
        received: list[dict[str, str]] = answer.get("Messages", [])
        return received

    def delete(self, messages: list[Message]) -> None:
        """Delete messages. A message that is not deleted is delivered again, without harm."""
        batches = [messages[i : i + _BATCH_SIZE] for i in range(0, len(messages), _BATCH_SIZE)]

        def delete_some(batch: list[Message]) -> None:
            entries = [
                {"Id": str(number), "ReceiptHandle": message.receipt}
                for number, message in enumerate(batch)
            ]
            self._request("delete_message_batch", Entries=entries)

        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(delete_some, batches))

    def _request(self, method: str, **arguments: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(aws.client("sqs"), method)(
                QueueUrl=self.url, **arguments
            )
        except (BotoCoreError, ClientError) as error:
            raise aws.unavailable(error, _QUEUE, "read") from None
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
