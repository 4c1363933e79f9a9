"""The lock of writers on different machines: an object in the bucket that names its owner.

Belongs here: taking it, renewing it while it is held, taking over one that was left behind.
Does not belong here: what is written meanwhile (raw_mirror), the lock of one machine
(lock).

Who holds it writes its name into the object again and again; a name that stands there for longer
than it says is that of a process that is gone. Age is told by the server's clock alone. The object
also has the generation of the zone, a word that changes with its content: who finds the word that
it knows need not list the zone. A holder that ends without releasing leaves none.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from dicom_pipeline.common import aws as s3
from dicom_pipeline.common.errors import StorageUnavailable, WriteConflict
from dicom_pipeline.common.locks import LockUnavailable, Waiting
from dicom_pipeline.config.locations import S3Location
from dicom_pipeline.landing.s3.conditional_writes import put

LOCK_NAME = "writer.lock"
SECONDS = 120.0
_TAKEN = "another machine is writing"
LOST = (
    "another machine took over the raw zone while this one did not answer; nothing more was "
    "written, and the next run starts from what is there"
)


@dataclass(frozen=True)
class _State:
    """The lock as it is: who has it, whether that one still lives, the zone's generation."""

    etag: str | None
    owner: str | None
    note: str | None
    generation: str | None
    expired: bool


class Lease:
    """The lock of all writers of a raw zone that lies in a bucket.

    Parameters
    ----------
    place
        The raw zone.
    options
        What goes along with every object that is written: how it is encrypted.
    seconds
        How long a holder that is not heard of keeps it.
    """

    def __init__(
        self, place: S3Location, options: dict[str, str], *, seconds: float = SECONDS
    ) -> None:
        self._where: dict[str, Any] = {"Bucket": place.bucket, "Key": place.prefix + LOCK_NAME}
        self._options = options
        self._seconds = seconds
        self._owner: str | None = None
        self._etag: str | None = None
        self._generation: str | None = None
        self._renewed = 0.0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def generation(self) -> str | None:
        """The zone's generation; None while somebody writes, or none is known."""
        state = self._look()
        return state.generation if state.owner is None else None

    def acquire(self, *, wait: bool = True, waiting: Waiting | None = None) -> str | None:
        """Take the lock; returns the zone's generation, None if it is not known.

        Raises
        ------
        LockUnavailable
            ``wait`` is False and another machine has it.
        StorageUnavailable
            The lock's object cannot be read or written.
        """
        told: float | None = None
        owner = uuid4().hex
        while True:
            state = self._look()
            if state.owner is None or state.expired:
                began = time.monotonic()
                with suppress(WriteConflict):
                    known = state.generation if state.owner is None else None
                    self._etag = self._put(owner, known, state.etag)
                    break
            if not wait:
                raise LockUnavailable(_TAKEN)
            if waiting and (told is None or time.monotonic() - told > 30):
                told = time.monotonic()
                waiting(f"{_TAKEN}: waiting for it to end")
            time.sleep(min(2.0, self._seconds / 4))
        self._owner, self._generation, self._renewed = owner, known, began
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, args=(self._ended,), daemon=True)
        self._thread.start()
        return known

    def check(self) -> None:
        """Raise `WriteConflict` unless the lock is held, and surely so."""
        if self._owner is None or time.monotonic() - self._renewed > 0.8 * self._seconds:
            raise WriteConflict(LOST)

    def release(self, generation: str | None) -> bool:
        """Give the lock back, with the zone's new generation.

        Returns
        -------
        bool
            Whether the word is there to be found; otherwise the lock expires, and nobody knows.
        """
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        held, self._owner = self._owner is not None, None
        if not held:
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
                continue  # the next try may do; `check` knows how long it is
            except WriteConflict:
                self._owner = None
                return
            self._renewed = began

    def _look(self) -> _State:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer, text = s3.fetch(self._where)
        except (BotoCoreError, ClientError) as error:
            if s3.code_of(error) == "NoSuchKey":
                return _State(None, None, None, None, expired=False)
            raise s3.unavailable(error, "the raw zone", "read") from None
        seconds, content = self._seconds, _content(text)
        with suppress(TypeError, ValueError):
            seconds = float(content.get("seconds", seconds))
        age = (s3.server_time(answer) or time.time()) - answer["LastModified"].timestamp()
        return _State(
            s3.bare(answer["ETag"]),
            content.get("owner", "unknown"),
            content.get("note"),
            content.get("generation"),
            expired=age > seconds,
        )

    def _put(self, owner: str | None, generation: str | None, etag: str | None) -> str:
        note = uuid4().hex
        content = {"owner": owner, "seconds": self._seconds, "generation": generation, "note": note}
        condition = {"IfMatch": s3.quoted(etag)} if etag else {"IfNoneMatch": "*"}
        return put(
            lambda client: client.put_object(
                **self._where, **self._options, **condition, Body=json.dumps(content).encode()
            ),
            written=lambda: self._etag_if_ours(owner, note),
            conflict=LOST,
        )

    def _etag_if_ours(self, owner: str | None, note: str) -> str | None:
        state = self._look()
        ours = state.note == note or (owner is not None and state.owner == owner)
        return state.etag if ours else None


def _content(text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
