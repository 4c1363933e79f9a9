"""Raw zone in a bucket, with a local copy: writes go to the bucket first, reads use the copy.

Belongs here: synchronizing the copy with the bucket, and conditional writes to both.
Does not belong here: content of the files (landing.manifest, parquet, tombstones), the lock
(landing.s3.lease).

The bucket is authoritative. Readers of raw parquet, such as DuckDB, read plain files in a private
directory; an index beside it has the ETag of each file. Every write is conditional on the ETag
that it replaces, so that a write by another process causes an error instead of a mixture. If a
process is killed between bucket and copy, the next `pull` corrects the copy.
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

from dicom_pipeline.common import aws
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
from dicom_pipeline.extract.raw_zone.mirror_index import Entry, MirrorIndex
from dicom_pipeline.landing.s3.conditional_writes import put, send
from dicom_pipeline.landing.s3.lease import LOCK_NAME, Lease

PARALLEL = 8
LARGEST_PUT = 64 << 20
_ZONE = "the raw zone"
_WRITE_ID = "write-id"
# names of our objects; other objects in the bucket are ignored
_NAME = re.compile(r"(?!\.)[\w=.-]+(/(?!\.)[\w=.-]+)*", re.ASCII)
CHANGED = (
    "another writer changed the raw zone; nothing more was written, and the next run starts from "
    "its current state"
)


class RawMirror(Writer):
    """Raw zone in a bucket, and its copy on this machine.

    Parameters
    ----------
    location
        Location of the raw zone.
    root
        Directory of the copy, used by nothing else; the index file is stored beside it.
    kms_key
        Id of the KMS key for the objects; None for the default encryption of the bucket.
    largest_put
        Size in bytes above which files are uploaded in parts.
    """

    def __init__(
        self,
        location: S3Location,
        root: Path,
        *,
        kms_key: str | None = None,
        largest_put: int = LARGEST_PUT,
    ) -> None:
        self.location = location
        self.root = root
        self._options = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        )
        self._largest_put = largest_put
        self.lease = Lease(location, self._options)
        self._index = MirrorIndex(root.with_name(f"{root.name}.jsonl"), str(location))
        self._changed = self._failed = False

    @contextmanager
    def held(self, *, wait: bool = True, waiting: Waiting | None = None) -> Iterator[None]:
        """Hold the write lock of all machines; the caller holds the lock of this machine.

        Raises
        ------
        LockUnavailable
            ``wait`` is False and another machine holds the lock.
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
            generation = uuid4().hex if self._changed else known
            if self.lease.release(generation) and not self._failed:
                self._index.set_generation(generation)

    def pull(self, generation: str | None = None) -> int:
        """Synchronize the copy with the bucket; the caller holds the lock of this machine.

        Parameters
        ----------
        generation
            Generation of the zone, if known. If the copy has the same one, the bucket is not
            listed.

        Returns
        -------
        int
            Number of files fetched or removed.

        Raises
        ------
        StorageUnavailable
            The zone cannot be read.
        """
        ensure_private_directory(self.root.parent)
        ensure_private_directory(self.root)
        index = self._index
        index.load()
        stale = [name for name in index.entries if not self._is_unchanged(name)]
        if generation is not None and index.generation == generation and not stale:
            return 0
        index.drop(stale)
        listed = dict(self._list())
        wanted = [n for n, etag in listed.items() if n not in index or index[n].etag != etag]
        with ThreadPoolExecutor(PARALLEL) as pool:
            for name, entry in zip(wanted, pool.map(self._fetch, wanted), strict=True):
                if entry is None:
                    listed.pop(name)  # deleted since the listing
                else:
                    index.put(name, entry)
        removed = self._remove_others(listed)
        index.rewrite(listed, generation)
        return len(wanted) + removed

    def write(self, path: Path, data: Data) -> None:
        """Replace one object, and then its copy.

        Raises
        ------
        WriteConflict
            Another process wrote to the zone.
        StorageUnavailable
            The zone cannot be written.
        """
        self.write_all([(path, data)])

    def write_all(self, files: Iterable[tuple[Path, Data]]) -> None:
        """Replace objects in parallel, and their copies; see `write`."""
        self.lease.check()
        self._changed = self._failed = True
        with ThreadPoolExecutor(PARALLEL) as pool:
            uploads = [
                (path, data, pool.submit(self._send, self._name(path), data))
                for path, data in files
            ]
            for path, data, etag in uploads:
                tag = etag.result()
                write_atomic(path, data)
                self._index.put(self._name(path), Entry.of(path, tag))
        self._failed = False

    def remove(self, path: Path) -> None:
        """Remove an object, or all objects in a folder, and then the copies; see `write`."""
        name = self._name(path)
        removed = [n for n in self._index.entries if n == name or n.startswith(f"{name}/")]
        if removed:
            self.lease.check()
            self._changed = self._failed = True
            with ThreadPoolExecutor(PARALLEL) as pool:
                list(pool.map(self._delete, removed))
        LOCAL_WRITER.remove(path)
        if removed:
            self._index.drop(removed)
            self._failed = False

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _is_unchanged(self, name: str) -> bool:
        try:
            return Entry.of(self.root / name, self._index[name].etag) == self._index[name]
        except OSError:
            return False

    def _object(self, name: str) -> dict[str, Any]:
        return {"Bucket": self.location.bucket, "Key": self.location.prefix + name}

    def _list(self) -> Iterator[tuple[str, str]]:
        """Yield names and ETags of our objects."""
        from botocore.exceptions import BotoCoreError, ClientError

        pages = (
            aws.client()
            .get_paginator("list_objects_v2")
            .paginate(Bucket=self.location.bucket, Prefix=self.location.prefix)
        )
        try:
            for page in pages:
                for entry in page.get("Contents", ()):
                    name = entry["Key"][len(self.location.prefix) :]
                    ours = name != LOCK_NAME and not name.startswith(BATCHES)
                    if ours and _NAME.fullmatch(name):
                        yield name, aws.unquote_etag(entry["ETag"])
        except (BotoCoreError, ClientError) as error:
            raise aws.unavailable(error, _ZONE, "listed") from None

    def _fetch(self, name: str) -> Entry | None:
        """Copy an object; return None if it no longer exists."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer, data = aws.get_object(self._object(name))
        except (BotoCoreError, ClientError) as error:
            if aws.code_of(error) == "NoSuchKey":
                return None
            raise aws.unavailable(error, _ZONE, "read") from None
        path = self.root / name
        try:
            write_atomic(path, data)
        except (NotADirectoryError, IsADirectoryError, FileExistsError):
            raise StorageUnavailable(
                f"{_ZONE}: it has objects of another program; use a prefix of its own"
            ) from None
        return Entry.of(path, aws.unquote_etag(answer["ETag"]))

    def _remove_others(self, listed: dict[str, str]) -> int:
        """Remove copies without an object, and empty folders, which would count as partitions."""
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
        """Write an object if it has the ETag of the index; return the new ETag."""
        write_id = uuid4().hex
        options = {**self._object(name), **self._options, "Metadata": {_WRITE_ID: write_id}}
        condition = {"IfNoneMatch": "*"}
        if name in self._index:
            condition = {"IfMatch": aws.quote_etag(self._index[name].etag)}

        return put(
            lambda client: send(client, options, condition, data, most=self._largest_put),
            written=lambda: self._etag_of_write(name, write_id),
            conflict=CHANGED,
        )

    def _etag_of_write(self, name: str, write_id: str) -> str | None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            head = aws.client().head_object(**self._object(name))
        except (BotoCoreError, ClientError):
            return None
        return (
            aws.unquote_etag(head["ETag"]) if head["Metadata"].get(_WRITE_ID) == write_id else None
        )

    def _delete(self, name: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        client, where = aws.client(), self._object(name)
        try:
            try:
                client.delete_object(**where, IfMatch=aws.quote_etag(self._index[name].etag))
            except ClientError as error:
                if aws.code_of(error) not in ("NotImplemented", "501"):
                    raise
                client.delete_object(**where)  # the server does not support the condition
        except (BotoCoreError, ClientError) as error:
            if aws.code_of(error) in ("NoSuchKey", "404"):
                return
            if aws.is_conflict(error):
                raise WriteConflict(CHANGED) from None
            raise aws.unavailable(error, _ZONE, "written") from None
