"""Listing of a bucket from its event notifications instead of list requests.

Belongs here: a listing made from the manifests and the events since; deletion of done messages.
Does not belong here: the messages (events, queue), decisions of a scan (scan).

Messages are not trusted. An object that was created is read only in that version, and for an
object that was removed the bucket is asked. So messages may be duplicate, late, or out of order.
The next full listing corrects a lost message.
"""

from __future__ import annotations

from collections.abc import Iterator

from dicom_pipeline.config.locations import S3Location
from dicom_pipeline.landing.manifest import ManifestStore
from dicom_pipeline.landing.s3.bucket import BucketStorage
from dicom_pipeline.landing.s3.events import Event, last_events
from dicom_pipeline.landing.s3.queue import EventQueue, Message
from dicom_pipeline.landing.storage import FileVersion, Listing, encode_path


class EventListing(BucketStorage):
    """Bucket whose listing is made from the manifests and the events since.

    Parameters
    ----------
    location
        Bucket and prefix.
    queue
        The queue with the messages; None to use no messages.
    manifests
        The known files.
    """

    def __init__(
        self, location: S3Location, queue: EventQueue | None, manifests: ManifestStore
    ) -> None:
        super().__init__(location)
        self._queue = queue
        self._manifests = manifests
        self._messages: list[Message] = []

    def list_landing(self, *, start: int = 0, deadline: float | None = None) -> Listing:
        """Return the known files, updated by the events; the bucket is not listed."""
        self._messages = self._queue.take(deadline=deadline) if self._queue else []
        events = [event for message in self._messages for event in message.events]
        by_key = last_events(events, self.location)
        cut = len(self.location.prefix)
        listing = Listing()
        known = self._known()
        listing.files = [file for file in known if self._key(file.path) not in by_key]
        for name, size, etag in self._current_objects(list(by_key.values())):
            self.classify(listing, name[cut:], size, etag)
        return listing

    def _known(self) -> Iterator[FileVersion]:
        for period in self._manifests.periods():
            yield from self._manifests.files(period)[0]

    def count_files(self) -> Iterator[str]:
        """Return the known files, without a listing of the bucket."""
        return (file.path for file in self._known())

    def _current_objects(self, events: list[Event]) -> list[tuple[str, int, str]]:
        """Return key, size and ETag of the objects in the events that exist."""
        plain = [(e.key, e.size or 0, e.etag or "") for e in events if e.is_plain]
        others = [FileVersion(encode_path(e.key[len(self.location.prefix) :]), 0) for e in events
                  if not e.is_plain]  # fmt: skip
        for file, found in zip(others, self.versions(others), strict=True):
            if isinstance(found, FileVersion):
                plain.append((self._key(file.path), found.size, found.etag or ""))
            elif not isinstance(found, FileNotFoundError):
                raise found
        return plain

    def acknowledge(self, *, all_placed: bool) -> int:
        """Delete the messages of the last listing after the manifests were written.

        Parameters
        ----------
        all_placed
            Whether the scan processed all files. Otherwise only messages whose objects are in the
            manifests are deleted; SQS delivers the others again.

        Returns
        -------
        int
            Number of deleted messages.
        """
        done, self._messages = self._messages, []
        if not all_placed:
            known = {(self._key(file.path), file.size, file.etag) for file in self._known()}
            done = [
                message
                for message in done
                if all((e.key, e.size, e.etag) in known for e in message.events)
            ]
        if self._queue is not None:
            self._queue.delete(done)
        return len(done)
