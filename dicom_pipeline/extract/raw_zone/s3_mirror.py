"""A raw zone in a bucket: written there first, read from a copy on this machine.

Belongs here: bringing the copy up to the bucket, and writing through it on conditions.
Does not belong here: what the files are (manifest, raw_zone, withdrawal), the lock (lease).

The bucket is the truth. What reads raw parquet, DuckDB among them, reads plain files of a private
directory; a record beside it has the ETag of each. Every write names the ETag that it replaces, so
a bucket that somebody else wrote to is an error, never a mixture. A process that is killed between
the two places leaves a copy that the next one mends.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from dicom_pipeline.common import aws as s3
from dicom_pipeline.common.errors import StorageUnavailable, WriteConflict
from dicom_pipeline.common.locks import Waiting
from dicom_pipeline.common.private_files import (
    LOCAL_WRITER,
    Data,
    Writer,
    ensure_private_directory,
    write_atomic,
)
from dicom_pipeline.config.locations import BATCHES, S3Location
from dicom_pipeline.extract.raw_zone.mirror_index import Entry, MirrorRecord
from dicom_pipeline.landing.s3.conditional_writes import put, send
from dicom_pipeline.landing.s3.lease import LOCK_NAME, Lease

PARALLEL = 8
LARGEST_PUT = 64 << 20
_ZONE = "the raw zone"
_WRITE_ID = "write-id"
# as we name files there; anything else in the bucket is not ours, and is left alone
_NAME = re.compile(r"(?!\.)[\w=.-]+(/(?!\.)[\w=.-]+)*", re.ASCII)
CHANGED = (
    "another writer changed the raw zone; nothing more was written, and the next run starts from "
    "what is there"
)


class RawMirror(Writer):
    """The raw zone of a bucket, and this machine's copy of it.

    Parameters
    ----------
    place
        The raw zone.
    root
        Directory of the copy, which is nobody else's; the record lies beside it.
    kms_key
        Id of the KMS key that objects are encrypted with; None for the bucket's own way.
    largest_put
        Larger files go up in parts.
    """

    def __init__(
        self,
        place: S3Location,
        root: Path,
        *,
        kms_key: str | None = None,
        largest_put: int = LARGEST_PUT,
    ) -> None:
        self.place = place
        self.root = root
        self._options = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        )
        self._largest_put = largest_put
        self.lease = Lease(place, self._options)
        self._record = MirrorRecord(root.with_name(f"{root.name}.jsonl"), str(place))
        self._changed = self._failed = False

    @contextmanager
    def held(self, *, wait: bool = True, waiting: Waiting | None = None) -> Iterator[None]:
        """Hold the lock of all machines; the caller has that of this one.

        Raises
        ------
        LockUnavailable
            ``wait`` is False and another machine writes.
        StorageUnavailable
            The zone cannot be read or written.
        """
        known = self.lease.acquire(wait=wait, waiting=waiting)
        self._changed, self._failed = known is None, True
        try:
            self.pull(known)
            self._failed = False
            yield
        finally:
            word = uuid4().hex if self._changed else known
            if self.lease.release(word) and not self._failed:
                self._record.set_generation(word)

    def pull(self, generation: str | None = None) -> int:
        """Bring the copy up to the bucket; the caller holds this machine's lock.

        Parameters
        ----------
        generation
            The zone's, if it is known: with the same one as before the zone is not listed.

        Returns
        -------
        int
            Number of files that were fetched or removed.

        Raises
        ------
        StorageUnavailable
            The zone cannot be read.
        """
        ensure_private_directory(self.root.parent)
        ensure_private_directory(self.root)
        record = self._record
        record.load()
        stale = [name for name in record.entries if not self._is_whole(name)]
        if generation is not None and record.generation == generation and not stale:
            return 0
        record.drop(stale)
        listed = dict(self._listed())
        wanted = [n for n, etag in listed.items() if n not in record or record[n].etag != etag]
        with ThreadPoolExecutor(PARALLEL) as pool:
            for name, entry in zip(wanted, pool.map(self._fetch, wanted), strict=True):
                if entry is None:
                    listed.pop(name)  # it went away since the listing
                else:
                    record.put(name, entry)
        removed = self._remove_others(listed)
        record.rewrite(listed, generation)
        return len(wanted) + removed

    def write(self, path: Path, data: Data) -> None:
        """Replace one object, and then its copy.

        Raises
        ------
        WriteConflict
            Somebody else wrote to the zone.
        StorageUnavailable
            It cannot be written.
        """
        self.write_all([(path, data)])

    def write_all(self, files: Iterable[tuple[Path, Data]]) -> None:
        """Replace some objects side by side, and their copies; see `write`."""
        self.lease.check()
        self._changed = self._failed = True
        with ThreadPoolExecutor(PARALLEL) as pool:
            sent = [
                (path, data, pool.submit(self._send, self._name(path), data))
                for path, data in files
            ]
            for path, data, etag in sent:
                tag = etag.result()
                write_atomic(path, data)
                self._record.put(self._name(path), Entry.of(path, tag))
        self._failed = False

    def remove(self, path: Path) -> None:
        """Remove an object, or all in a folder, and then the copies; see `write`."""
        name = self._name(path)
        gone = [n for n in self._record.entries if n == name or n.startswith(f"{name}/")]
        if gone:
            self.lease.check()
            self._changed = self._failed = True
            with ThreadPoolExecutor(PARALLEL) as pool:
                list(pool.map(self._delete, gone))
        LOCAL_WRITER.remove(path)
        if gone:
            self._record.drop(gone)
            self._failed = False

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _is_whole(self, name: str) -> bool:
        try:
            return Entry.of(self.root / name, self._record[name].etag) == self._record[name]
        except OSError:
            return False

    def _object(self, name: str) -> dict[str, Any]:
        return {"Bucket": self.place.bucket, "Key": self.place.prefix + name}

    def _listed(self) -> Iterator[tuple[str, str]]:
        """Names and ETags of our objects."""
        from botocore.exceptions import BotoCoreError, ClientError

        pages = (
            s3.client()
            .get_paginator("list_objects_v2")
            .paginate(Bucket=self.place.bucket, Prefix=self.place.prefix)
        )
        try:
            for page in pages:
                for entry in page.get("Contents", ()):
                    name = entry["Key"][len(self.place.prefix) :]
                    ours = name != LOCK_NAME and not name.startswith(BATCHES)
                    if ours and _NAME.fullmatch(name):
                        yield name, s3.bare(entry["ETag"])
        except (BotoCoreError, ClientError) as error:
            raise s3.unavailable(error, _ZONE, "listed") from None

    def _fetch(self, name: str) -> Entry | None:
        """Copy an object; None when it is not there any more."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer, data = s3.fetch(self._object(name))
        except (BotoCoreError, ClientError) as error:
            if s3.code_of(error) == "NoSuchKey":
                return None
            raise s3.unavailable(error, _ZONE, "read") from None
        path = self.root / name
        try:
            write_atomic(path, data)
        except (NotADirectoryError, IsADirectoryError, FileExistsError):
            raise StorageUnavailable(f"{_ZONE}: it holds objects that are not ours") from None
        return Entry.of(path, s3.bare(answer["ETag"]))

    def _remove_others(self, listed: dict[str, str]) -> int:
        """Remove copies without an object, and folders without a file: they would be partitions."""
        removed = 0
        for folder, _, names in os.walk(self.root, topdown=False):
            for name in names:
                path = Path(folder, name)
                if self._name(path) not in listed:
                    path.unlink()
                    removed += 1
            if Path(folder) != self.root and not os.listdir(folder):
                Path(folder).rmdir()
        return removed

    def _send(self, name: str, data: Data) -> str:
        """Write an object on the condition that it is the one we know. Returns its ETag."""
        write_id = uuid4().hex
        options = {**self._object(name), **self._options, "Metadata": {_WRITE_ID: write_id}}
        condition = {"IfNoneMatch": "*"}
        if name in self._record:
            condition = {"IfMatch": s3.quoted(self._record[name].etag)}

        return put(
            lambda client: send(client, options, condition, data, most=self._largest_put),
            written=lambda: self._etag_of_write(name, write_id),
            conflict=CHANGED,
        )

    def _etag_of_write(self, name: str, write_id: str) -> str | None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            head = s3.client().head_object(**self._object(name))
        except (BotoCoreError, ClientError):
            return None
        return s3.bare(head["ETag"]) if head["Metadata"].get(_WRITE_ID) == write_id else None

    def _delete(self, name: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        client, where = s3.client(), self._object(name)
        try:
            try:
                client.delete_object(**where, IfMatch=s3.quoted(self._record[name].etag))
            except ClientError as error:
                if s3.code_of(error) not in ("NotImplemented", "501"):
                    raise
                client.delete_object(**where)  # a server without this condition
        except (BotoCoreError, ClientError) as error:
            if s3.code_of(error) in ("NoSuchKey", "404"):
                return
            if s3.is_conflict(error):
                raise WriteConflict(CHANGED) from None
            raise s3.unavailable(error, _ZONE, "written") from None
