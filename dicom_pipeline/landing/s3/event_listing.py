"""A bucket whose changes are announced by messages, so that it need not be listed.

Belongs here: a listing made of what is known and what was announced; when messages are done.
Does not belong here: the messages (events, queue), decisions of a scan (scan).

A message is a hint, never the truth: what it says was created is read in that version only, and of
what it says was removed the bucket is asked. So messages may come twice, late, or in any order. One
that was lost is made up for by the next listing.
"""

from __future__ import annotations

from collections.abc import Iterator

from dicom_pipeline.config.locations import S3Location
from dicom_pipeline.landing.manifest import ManifestStore
from dicom_pipeline.landing.s3.bucket import BucketStorage
from dicom_pipeline.landing.s3.events import Event, last_events
from dicom_pipeline.landing.s3.queue import EventQueue, Message
from dicom_pipeline.landing.storage import FileVersion, Listing, to_text


class EventListing(BucketStorage):
    """A bucket of which a listing is what the manifests have, and what messages say since.

    Parameters
    ----------
    place
        Bucket and prefix.
    queue
        Where the messages lie; None to take none.
    manifests
        What is known.
    """

    def __init__(
        self, place: S3Location, queue: EventQueue | None, manifests: ManifestStore
    ) -> None:
        super().__init__(place)
        self._queue = queue
        self._manifests = manifests
        self._messages: list[Message] = []

    def list_landing(self, *, start: int = 0, deadline: float | None = None) -> Listing:
        """What is known, changed by what was announced; no request lists the bucket."""
        self._messages = self._queue.take(deadline=deadline) if self._queue else []
        events = [event for message in self._messages for event in message.events]
        announced = last_events(events, self.place)
        cut = len(self.place.prefix)
        listing = Listing()
        known = self._known()
        listing.files = [file for file in known if self._key(file.path) not in announced]
        for name, size, etag in self.looked_at(list(announced.values())):
            self.sort(listing, name[cut:], size, etag)
        return listing

    def _known(self) -> Iterator[FileVersion]:
        for period in self._manifests.periods():
            yield from self._manifests.files(period)[0]

    def count_files(self) -> Iterator[str]:
        """The files that are known: here the manifests are believed."""
        return (file.path for file in self._known())

    def looked_at(self, events: list[Event]) -> list[tuple[str, int, str]]:
        """Key, size and ETag of the objects that are there, of those that were announced."""
        plain = [(e.key, e.size or 0, e.etag or "") for e in events if e.is_plain]
        others = [FileVersion(to_text(e.key[len(self.place.prefix) :]), 0) for e in events
                  if not e.is_plain]  # fmt: skip
        for file, found in zip(others, self.versions(others), strict=True):
            if isinstance(found, FileVersion):
                plain.append((self._key(file.path), found.size, found.etag or ""))
            elif not isinstance(found, FileNotFoundError):
                raise found
        return plain

    def acknowledge(self, *, all_placed: bool) -> int:
        """Delete the messages of the last listing, once manifests say what they said.

        Parameters
        ----------
        all_placed
            Whether the scan came to its end. Otherwise only those messages are deleted that the
            manifests agree with; the others come again.

        Returns
        -------
        int
            Number of messages that are done with.
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
