"""Event notifications of S3.

Belongs here: the message formats (S3, SNS, EventBridge), and the order of events.
Does not belong here: the queue (queue), and the treatment of the objects (event_listing).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from dicom_pipeline.common import aws
from dicom_pipeline.config.locations import S3Location

_CREATED = ("ObjectCreated:", "s3:ObjectCreated:")
_REMOVED = (
    "ObjectRemoved:", "s3:ObjectRemoved:", "LifecycleExpiration:", "s3:LifecycleExpiration:",
)  # fmt: skip
_TEST = "s3:TestEvent"
_EVENT_BRIDGE = {"Object Created": True, "Object Deleted": False}


class NotAnEvent(Exception):
    """The message is not an event notification of S3; it stays in the queue for the operator."""


@dataclass(frozen=True)
class Event:
    """Creation or removal of an object.

    Attributes
    ----------
    bucket, key
        Bucket, and key of the object, decoded.
    size, etag
        Size and ETag of the created version; None for a removal, or if the message has none.
    sequencer
        Order of the events of one key: a later event has a greater value. None if the message has
        none.
    """

    bucket: str
    key: str
    size: int | None
    etag: str | None
    sequencer: int | None

    @property
    def is_plain(self) -> bool:
        """Whether the event has the size and ETag of the object, so no request is needed."""
        return self.size is not None and bool(self.etag)


def events_of(body: str) -> list[Event]:
    """Parse the events in a message of S3, directly or through SNS or EventBridge.

    Raises
    ------
    NotAnEvent
        The message has none of these formats.
    """
    try:
        return list(_events(json.loads(body)))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotAnEvent from None


def _events(message: dict[str, Any]) -> Iterator[Event]:
    if message.get("Type") == "Notification":  # the envelope of SNS
        yield from _events(json.loads(message["Message"]))
    elif message.get("source") == "aws.s3":
        yield from _parse_bridge(message)
    elif message.get("Event") == _TEST:
        return
    else:
        for record in message["Records"]:
            yield from _parse_record(record)


def _parse_record(record: dict[str, Any]) -> Iterator[Event]:
    name, found = record["eventName"], record["s3"]
    if not name.startswith((*_CREATED, *_REMOVED)):
        return  # tags, restored objects and so on: the content did not change
    created = name.startswith(_CREATED)
    stored_object = found["object"]
    yield _event(
        found["bucket"]["name"], unquote_plus(stored_object["key"]), stored_object, "eTag", created
    )


def _parse_bridge(message: dict[str, Any]) -> Iterator[Event]:
    created = _EVENT_BRIDGE.get(message["detail-type"])
    if created is not None:
        detail = message["detail"]
        stored_object = detail["object"]
        yield _event(detail["bucket"]["name"], stored_object["key"], stored_object, "etag", created)


def _event(bucket: str, key: str, stored_object: dict[str, Any], tag: str, created: bool) -> Event:
    size, etag = stored_object.get("size"), stored_object.get(tag)
    sequencer = stored_object.get("sequencer")
    return Event(
        bucket,
        key,
        int(size) if created and size is not None else None,
        aws.unquote_etag(etag) if created and etag else None,
        # hexadecimal numbers of different length, so they cannot be compared as texts
        int(sequencer, 16) if sequencer else None,
    )


def last_events(events: Iterable[Event], location: S3Location) -> dict[str, Event]:
    """Return the last event of each key under a location.

    If events of a key have no order, the result is an event without size and ETag, so that the
    bucket is asked for the current version.
    """
    last: dict[str, Event] = {}
    for event in events:
        if event.bucket != location.bucket or not event.key.startswith(location.prefix):
            continue
        other = last.get(event.key, event)
        if event.sequencer is not None and other.sequencer is not None:
            last[event.key] = max(other, event, key=lambda one: one.sequencer or 0)
        elif other == event:
            last[event.key] = event
        else:
            last[event.key] = Event(event.bucket, event.key, None, None, None)
    return last
