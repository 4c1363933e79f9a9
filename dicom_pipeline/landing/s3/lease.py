"""Lease of the raw zone for writers on different machines, stored as an object in the bucket.

Belongs here: acquiring, renewing and releasing the lease, and taking over an expired one.
Does not belong here: the writes under the lease (extract.raw_zone.s3_mirror), the lock on one
machine (common.locks).

The owner rewrites the object periodically. A lease that was not renewed for longer than its
duration has expired: its owner is gone. The age is computed from the server's clock only. The
object also contains the generation of the zone, an identifier that changes with the content: a
writer whose copy has the same generation does not need to list the zone. An owner that ends without
a release leaves no generation.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from dicom_pipeline.common import aws
from dicom_pipeline.common.errors import StorageUnavailable, WriteConflict
from dicom_pipeline.common.locks import LockUnavailable, Waiting
from dicom_pipeline.config.locations import S3Location
from dicom_pipeline.landing.s3.conditional_writes import put

LOCK_NAME = "writer.lock"
SECONDS = 120.0
_TAKEN = "another machine is writing"
LOST = (
    "another machine took over the raw zone because this one did not renew its lease; writing "
    "stopped; run again to continue from the current state"
)


@dataclass(frozen=True)
class _State:
    """Current content of the lease's object.

    ``owner`` is None if the lease is free; ``note`` identifies one write of the object.
    """

    etag: str | None
    owner: str | None
    note: str | None
    generation: str | None
    expired: bool


class Lease:
    """Lease of the writer of a raw zone in a bucket.

    Parameters
    ----------
    location
        The raw zone.
    options
        Arguments for every write of an object, such as encryption.
    seconds
        Duration of the lease without a renewal.
    """

    def __init__(
        self, location: S3Location, options: dict[str, str], *, seconds: float = SECONDS
    ) -> None:
        self._object: dict[str, Any] = {
            "Bucket": location.bucket,
            "Key": location.prefix + LOCK_NAME,
        }
        self._options = options
        self._seconds = seconds
        self._owner: str | None = None
        self._etag: str | None = None
        self._generation: str | None = None
        self._renewed = 0.0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def generation(self) -> str | None:
        """Return the generation of the zone; None if a writer is active or it is unknown."""
        state = self._read()
        return state.generation if state.owner is None else None

    def acquire(self, *, wait: bool = True, waiting: Waiting | None = None) -> str | None:
        """Acquire the lease; returns the generation of the zone, None if it is unknown.

        Parameters
        ----------
        wait
            Wait for the lease; otherwise raise at once.
        waiting
            Called with a message at once and then every 30 s of waiting.

        Raises
        ------
        LockUnavailable
            ``wait`` is False and another machine has the lease.
        StorageUnavailable
            The lease's object cannot be read or written.
        """
        reported: float | None = None
        owner = uuid4().hex
        while True:
            state = self._read()
            if state.owner is None or state.expired:
                began = time.monotonic()
                with suppress(WriteConflict):
                    known = state.generation if state.owner is None else None
                    self._etag = self._put(owner, known, state.etag)
                    break
            if not wait:
                raise LockUnavailable(_TAKEN)
            if waiting and (reported is None or time.monotonic() - reported > 30):
                reported = time.monotonic()
                waiting(f"{_TAKEN}: waiting for it to end")
            time.sleep(min(2.0, self._seconds / 4))
        self._owner, self._generation, self._renewed = owner, known, began
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, args=(self._ended,), daemon=True)
        self._thread.start()
        return known

    def check(self) -> None:
        """Raise `WriteConflict` unless the lease is held and not close to its expiry."""
        if self._owner is None or time.monotonic() - self._renewed > 0.8 * self._seconds:
            raise WriteConflict(LOST)

    def release(self, generation: str | None) -> bool:
        """Release the lease and store the new generation of the zone.

        Returns
        -------
        bool
            Whether the generation was stored. Otherwise the lease expires without one.
        """
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        is_owner, self._owner = self._owner is not None, None
        if not is_owner:
            return False
        try:
            self._put(None, generation, self._etag)
        except (WriteConflict, StorageUnavailable):
            return False
        return True

    def _renew(self, ended: threading.Event) -> None:
        while not ended.wait(self._seconds / 4):
            began = time.monotonic()
            try:
                self._etag = self._put(self._owner, self._generation, self._etag)
            except StorageUnavailable:
                continue  # try again; `check` raises if that takes too long
            except WriteConflict:
                self._owner = None
                return
            self._renewed = began

    def _read(self) -> _State:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer, text = aws.get_object(self._object)
        except (BotoCoreError, ClientError) as error:
            if aws.code_of(error) == "NoSuchKey":
                return _State(None, None, None, None, expired=False)
            raise aws.unavailable(error, "the raw zone", "read") from None
        seconds, content = self._seconds, _content(text)
        with suppress(TypeError, ValueError):
            seconds = float(content.get("seconds", seconds))
        age = (aws.server_time(answer) or time.time()) - answer["LastModified"].timestamp()
        return _State(
            aws.unquote_etag(answer["ETag"]),
            content.get("owner", "unknown"),
            content.get("note"),
            content.get("generation"),
            expired=age > seconds,
        )

    def _put(self, owner: str | None, generation: str | None, etag: str | None) -> str:
        note = uuid4().hex
        content = {"owner": owner, "seconds": self._seconds, "generation": generation, "note": note}
        condition = {"IfMatch": aws.quote_etag(etag)} if etag else {"IfNoneMatch": "*"}
        return put(
            lambda client: client.put_object(
                **self._object, **self._options, **condition, Body=json.dumps(content).encode()
            ),
            written=lambda: self._etag_if_ours(owner, note),
            conflict=LOST,
        )

    def _etag_if_ours(self, owner: str | None, note: str) -> str | None:
        state = self._read()
        ours = state.note == note or (owner is not None and state.owner == owner)
        return state.etag if ours else None


def _content(text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
