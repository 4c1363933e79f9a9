"""Landing zone in a local directory: listing it, and reading ranges of its files.

Belongs here: file names, symbolic links, ignored files, and files that are still being written.
Does not belong here: which files are new (scan), and any writing.
"""

from __future__ import annotations

import os
import random
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.landing.storage import (
    TEMPORARY,
    FileVersion,
    Ignored,
    Listing,
    decode_path,
    encode_path,
)

_LINK_CHECK_SECONDS = 1.0  # files of one folder are opened in a row: check its path once


class LocalFile(OpenFile):
    """`OpenFile` in the local file system."""

    def __init__(self, path: str, *, follow_symlinks: bool = True) -> None:
        # O_NONBLOCK: opening a FIFO that replaced a file must not block
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
        self._descriptor = os.open(path, flags | (0 if follow_symlinks else os.O_NOFOLLOW))
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise OSError("not a regular file")
        self.size = status.st_size

    def read_at(self, offset: int, length: int) -> bytes:
        """Read up to ``length`` bytes from ``offset``."""
        data = os.pread(self._descriptor, length, offset)
        # a short read is usually the end of the file: do not read again in that case
        wanted = min(length, self.size - offset)
        while len(data) < wanted and (more := _more(self._descriptor, offset, length, data)):
            data += more
        return data

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)


def _more(descriptor: int, offset: int, length: int, data: bytes) -> bytes:
    return os.pread(descriptor, length - len(data), offset + len(data)) if data else b""


class DirectoryStorage:
    """Landing zone in a local directory.

    Parameters
    ----------
    root
        The directory.
    follow_symlinks
        Whether to follow symbolic links that lead out of the zone, or to a hidden name inside it,
        such as the store of git-annex. Links to other targets inside the zone are never followed,
        because their targets are listed under their own names.
    min_file_age_seconds
        A file whose inode changed less than this ago counts as still being written.
    """

    def __init__(
        self, root: Path, *, follow_symlinks: bool = False, min_file_age_seconds: float = 0
    ) -> None:
        self.root = root
        self.follow_symlinks = follow_symlinks
        self.min_file_age_seconds = min_file_age_seconds
        self._without_links = ("", 0.0)

    def open(self, path: str, etag: str | None = None) -> OpenFile:
        """Open one file for reading."""
        location = os.path.join(self.root, decode_path(path))
        if not self.follow_symlinks:
            self._refuse_links(os.path.split(location)[0])
        return LocalFile(location, follow_symlinks=self.follow_symlinks)

    def _refuse_links(self, folder: str) -> None:
        """Raise ``OSError`` if a part of a folder's path is a symbolic link since the listing."""
        now = time.monotonic()
        checked, until = self._without_links
        if checked == folder and now < until:
            return
        inside = os.path.relpath(folder, self.root)
        expected = os.path.normpath(os.path.join(os.path.realpath(self.root), inside))
        if os.path.realpath(folder) != expected:
            raise OSError("the path contains a symbolic link")
        self._without_links = (folder, now + _LINK_CHECK_SECONDS)

    def open_many(self, files: Sequence[FileVersion]) -> Iterator[OpenFile | OSError]:
        """Open files one after the other, each when the iterator reaches it."""
        for file in files:
            try:
                yield self.open(file.path)
            except OSError as error:
                yield error

    def heads(self, files: Iterable[FileVersion], length: int) -> Iterator[bytes | OSError]:
        """Read the first bytes of files."""
        for file in files:
            try:
                opened = self.open(file.path)
                try:
                    head = opened.read_at(0, length)
                finally:
                    opened.close()
            except OSError as error:
                yield error
            else:
                yield head

    def exists(self) -> bool:
        """Whether the directory exists."""
        return self.root.is_dir()

    def is_empty(self) -> bool:
        """Whether the directory is empty or cannot be listed; it may not be mounted."""
        try:
            with os.scandir(self.root) as entries:
                return next(entries, None) is None
        except OSError:
            return True

    def changed_at(self, path: str) -> float:
        """Return the latest time at which a file can have arrived, in seconds since 1970.

        The change times of the parent folders count too, because moving a folder into the zone
        does not change the inodes of its files.

        Raises
        ------
        OSError
            The file or a parent folder does not exist or cannot be examined.
        """
        location = os.fspath(self.root)
        changed = os.stat(location).st_ctime
        for name in decode_path(path).split("/"):
            location = os.path.join(location, name)
            changed = max(changed, os.lstat(location).st_ctime)
        return changed

    def count_files(self) -> Iterator[str]:
        """Walk the tree with code independent of `list_landing`, to cross-check it."""
        followed: set[tuple[int, int]] = set()
        with suppress(OSError):
            for name in sorted(os.listdir(self.root)):
                yield from self._count(os.path.join(self.root, name), name, followed)

    def _count(self, location: str, path: str, followed: set[tuple[int, int]]) -> Iterator[str]:
        real = os.path.realpath(location)
        if not os.path.isdir(real) or (  # noqa: PTH112 - never raises
            Path(location).is_symlink() and (_is_hidden(path) or not self.follows(real, followed))
        ):
            yield encode_path(path)
            return
        links = []
        todo = [(real, path)]  # a list, because os.walk overflows the stack on deep trees
        while todo:
            location, path = todo.pop()
            try:
                names = os.listdir(location)
            except OSError:
                continue
            for name in names:
                inner = (os.path.join(location, name), f"{path}/{name}")
                with suppress(OSError):
                    mode = os.lstat(inner[0]).st_mode
                    if stat.S_ISDIR(mode):
                        todo.append(inner)
                    elif stat.S_ISLNK(mode) and os.path.isdir(inner[0]):  # noqa: PTH112 - never raises
                        links.append(inner)
                    else:
                        yield encode_path(inner[1])
        for location, path in sorted(links, key=lambda link: link[1]):
            yield from self._count(location, path, followed)

    def follows(self, target: str, followed: set[tuple[int, int]]) -> bool:
        """Whether to follow a link to a directory that is not listed itself; each one once."""
        root = os.path.realpath(self.root)
        if not self.follow_symlinks or _is_listed(target, root) or _is_within(root, target):
            return False
        status = os.stat(target)
        identity = (status.st_dev, status.st_ino)
        if identity in followed:
            return False
        followed.add(identity)
        return True

    def list_landing(self, *, start: int = 0, deadline: float | None = None) -> Listing:
        """List the zone.

        Parameters
        ----------
        start
            Number of the top-level entry to start with: ``next_start`` of the last listing if that
            was cut short.
        deadline
            When to stop, as a value of ``time.monotonic()``.
        """
        listing = Listing()
        walk = _Walk(self, listing, deadline)
        try:
            top = sorted(os.scandir(self.root), key=lambda entry: entry.name)
        except OSError:
            listing.rooted = False
            listing.errors += 1
            return listing
        order = [(start + i) % len(top) for i in range(len(top))] if top else []
        for index in order:
            walk.entry(top[index], "", hidden=False)
            walk.follow_links()
            if index != order[-1] and walk.is_late():
                listing.cut_short = True
            if listing.cut_short:
                # start the next listing after the entry that took too long
                listing.next_start = (index + 1) % len(top)
                break
        return listing


def _is_listed(target: str, root: str) -> bool:
    """Whether the target of a link is listed under its own name: inside the zone, not hidden."""
    if not _is_within(target, root):
        return False
    return target == root or not _is_hidden(os.path.relpath(target, root))


def _is_hidden(path: str) -> bool:
    return any(name.startswith(".") for name in Path(path).parts)


def _is_within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip(os.sep) + os.sep)


class _Walk:
    """State of one listing."""

    def __init__(self, zone: DirectoryStorage, listing: Listing, deadline: float | None) -> None:
        self.zone = zone
        self.listing = listing
        self.deadline = deadline
        self.now = time.time()
        self.root = os.path.realpath(zone.root)
        self.followed: set[tuple[int, int]] = set()
        self.links: list[tuple[str, str]] = []

    def is_late(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline

    def entry(self, entry: os.DirEntry[str], prefix: str, *, hidden: bool) -> None:
        path = prefix + entry.name
        hidden = hidden or entry.name.startswith(".")
        try:
            if entry.is_symlink():
                self._symlink(entry, path, hidden=hidden)
            elif entry.is_dir(follow_symlinks=False):
                self._directory(entry.path, path, hidden=hidden)
            else:
                self._file(entry, path, entry.stat(follow_symlinks=False), hidden=hidden)
        except FileNotFoundError:
            return  # removed during the listing
        except OSError:
            self.listing.errors += 1

    def _directory(self, full: str, path: str, *, hidden: bool) -> None:
        stack = [(full, path, hidden)]
        while stack and not self.listing.cut_short:
            # with a deadline, walk in random order, so that repeated listings reach every part
            chosen = -1 if self.deadline is None else random.randrange(len(stack))  # noqa: S311
            full, path, hidden = stack.pop(chosen)
            try:
                with os.scandir(full) as entries:
                    prefix = f"{path}/"
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            inside_hidden = hidden or entry.name.startswith(".")
                            stack.append((entry.path, prefix + entry.name, inside_hidden))
                        else:
                            self.entry(entry, prefix, hidden=hidden)
            except FileNotFoundError:
                continue
            except OSError:
                # files in a hidden folder are ignored anyway, so an error there is not counted
                self.listing.errors += not hidden
            if stack and self.is_late():
                self.listing.cut_short = True

    def follow_links(self) -> None:
        """Walk the targets of links, in the same order as `count_files`."""
        links, self.links = sorted(self.links), []
        for path, target in links:
            if self.listing.cut_short or self.is_late():
                self.listing.cut_short = True
                return
            try:
                if not self.zone.follows(target, self.followed):
                    self.listing.ignored[encode_path(path)] = Ignored.SYMLINK
                    continue
            except OSError:
                self.listing.errors += 1
                continue
            self._directory(target, path, hidden=False)
            self.follow_links()

    def _symlink(self, entry: os.DirEntry[str], path: str, *, hidden: bool) -> None:
        target = os.path.realpath(entry.path)
        if not os.path.exists(target):
            self.listing.ignored[encode_path(path)] = Ignored.BROKEN_SYMLINK
            return
        if _is_listed(target, self.root) or not self.zone.follow_symlinks:
            self.listing.ignored[encode_path(path)] = Ignored.SYMLINK
            return
        status = os.stat(target)
        if stat.S_ISDIR(status.st_mode) and not hidden:
            self.links.append((path, target))
        elif stat.S_ISDIR(status.st_mode):
            # not followed: its files would be ignored here, and not be followed elsewhere
            self.listing.ignored[encode_path(path)] = Ignored.HIDDEN
        else:
            self._file(entry, path, status, hidden=hidden)

    def _file(
        self, entry: os.DirEntry[str], path: str, status: os.stat_result, *, hidden: bool
    ) -> None:
        text = encode_path(path)
        if hidden:
            self.listing.ignored[text] = Ignored.HIDDEN
        elif not stat.S_ISREG(status.st_mode):
            self.listing.ignored[text] = Ignored.SPECIAL
        elif entry.name.lower().endswith(TEMPORARY):
            self.listing.ignored[text] = Ignored.TEMPORARY
        # ctime, not mtime: copying may preserve mtime. abs: with a wrong clock, a time in the
        # future must not postpone a file forever
        elif abs(self.now - status.st_ctime) < self.zone.min_file_age_seconds:
            self.listing.unsettled.append(text)
        else:
            self.listing.files.append(FileVersion(text, status.st_size, status.st_mtime_ns))
