"""What S3 says of its objects in messages, whichever way they came.

Belongs here: the forms of S3 event notifications, and which of several events counts.
Does not belong here: the queue they lie in (queue), what becomes of the objects (announced).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from dicom_pipeline.common import aws as s3
from dicom_pipeline.config.locations import S3Location

_CREATED = ("ObjectCreated:", "s3:ObjectCreated:")
_REMOVED = (
    "ObjectRemoved:", "s3:ObjectRemoved:", "LifecycleExpiration:", "s3:LifecycleExpiration:",
)  # fmt: skip
_TEST = "s3:TestEvent"
_BRIDGE = {"Object Created": True, "Object Deleted": False}


class NotAnEvent(Exception):
    """A message that is none of S3's; it stays in the queue, for who looks after it."""


@dataclass(frozen=True)
class Event:
    """Something happened to an object.

    Attributes
    ----------
    key
        Its key, as it is in the bucket.
    size, etag
        Of the version that was created; None where the message does not say, and for a removal.
    sequencer
        The greater, the later, among the events of one key; None where the message has none.
    """

    bucket: str
    key: str
    size: int | None
    etag: str | None
    sequencer: int | None

    @property
    def is_plain(self) -> bool:
        """Whether the object need not be looked at: the event says what was created."""
        return self.size is not None and bool(self.etag)


def events_of(body: str) -> list[Event]:
    """The events in a message: of S3 itself, by SNS, or by EventBridge.

    Raises
    ------
    NotAnEvent
        It is no message of these.
    """
    try:
        return list(_events(json.loads(body)))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotAnEvent from None


def _events(message: dict[str, Any]) -> Iterator[Event]:
    if message.get("Type") == "Notification":  # the envelope of SNS
        yield from _events(json.loads(message["Message"]))
    elif message.get("source") == "aws.s3":
        yield from _of_bridge(message)
    elif message.get("Event") == _TEST:
        return
    else:
        for record in message["Records"]:
            yield from _of_record(record)


def _of_record(record: dict[str, Any]) -> Iterator[Event]:
    name, found = record["eventName"], record["s3"]
    if not name.startswith((*_CREATED, *_REMOVED)):
        return  # tags, restored objects and so on: the content is as it was
    created = name.startswith(_CREATED)
    thing = found["object"]
    yield _event(found["bucket"]["name"], unquote_plus(thing["key"]), thing, "eTag", created)


def _of_bridge(message: dict[str, Any]) -> Iterator[Event]:
    created = _BRIDGE.get(message["detail-type"])
    if created is not None:
        detail = message["detail"]
        thing = detail["object"]
        yield _event(detail["bucket"]["name"], thing["key"], thing, "etag", created)


def _event(bucket: str, key: str, thing: dict[str, Any], tag: str, created: bool) -> Event:
    size, etag = thing.get("size"), thing.get(tag)
    sequencer = thing.get("sequencer")
    return Event(
        bucket,
        key,
        int(size) if created and size is not None else None,
        s3.bare(etag) if created and etag else None,
        # they differ in length: as numbers, they are padded
        int(sequencer, 16) if sequencer else None,
    )


def last_events(events: Iterable[Event], place: S3Location) -> dict[str, Event]:
    """The event that counts for each key of a place: the last one, if they say which that is.

    Of events without an order nothing is taken but that something happened.
    """
    last: dict[str, Event] = {}
    for event in events:
        if event.bucket != place.bucket or not event.key.startswith(place.prefix):
            continue
        other = last.get(event.key, event)
        if event.sequencer is not None and other.sequencer is not None:
            last[event.key] = max(other, event, key=lambda one: one.sequencer or 0)
        elif other == event:
            last[event.key] = event
        else:
            last[event.key] = Event(event.bucket, event.key, None, None, None)
    return last
