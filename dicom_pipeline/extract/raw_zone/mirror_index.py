"""Index of the local copy of a raw zone in a bucket: the ETag of each file.

Belongs here: the lines of the index file.
Does not belong here: the copy itself (s3_mirror).

The file has one line of JSON per change; later lines replace earlier ones. An incomplete last
line, left by a crash, is ignored.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dicom_pipeline.common.private_files import FILE_MODE, write_atomic


@dataclass(frozen=True)
class Entry:
    """Index entry of a file: ETag of its object, and size and mtime that show later changes."""

    etag: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path, etag: str) -> Entry:
        """Return the entry of a file with its current size and mtime.

        Raises
        ------
        OSError
            The file does not exist or cannot be accessed.
        """
        status = path.stat()
        return cls(etag, status.st_size, status.st_mtime_ns)


class MirrorIndex:
    """Index of a local copy.

    Parameters
    ----------
    path
        The index file.
    location
        Location of the raw zone. The index of another location is discarded.
    """

    def __init__(self, path: Path, location: str) -> None:
        self._path = path
        self._location = location
        self.entries: dict[str, Entry] = {}
        self.generation: str | None = None

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def __getitem__(self, name: str) -> Entry:
        return self.entries[name]

    def load(self) -> None:
        """Read the index file."""
        self.entries, self.generation = {}, None
        try:
            lines = self._path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            lines = []
        if not lines or _parse(lines[0]).get("place") != self._location:
            self.rewrite({}, None)
            return
        for change in map(_parse, lines[1:]):
            name = change.get("name")
            if name is None:
                self.generation = change.get("generation")
                continue
            self.generation = None
            if change.get("etag") is None:
                self.entries.pop(name, None)
            else:
                self.entries[name] = Entry(change["etag"], change["size"], change["mtime_ns"])

    def put(self, name: str, entry: Entry) -> None:
        """Add or replace an entry."""
        self.entries[name] = entry
        self._append([_line(name, entry)])

    def drop(self, names: Iterable[str]) -> None:
        """Remove entries."""
        removed = [name for name in names if self.entries.pop(name, None)]
        self._append([{"name": name, "etag": None} for name in removed])

    def set_generation(self, generation: str | None) -> None:
        """Store the generation of the zone that the copy matches."""
        if generation != self.generation:
            self._append([{"generation": generation}])
        self.generation = generation

    def rewrite(self, names: Iterable[str], generation: str | None) -> None:
        """Rewrite the file with only the given entries and without its history of changes."""
        self.entries = {name: self.entries[name] for name in names}
        self.generation = generation
        lines = [{"place": self._location}, *(_line(n, e) for n, e in self.entries.items())]
        lines.append({"generation": generation})
        write_atomic(self._path, "".join(f"{json.dumps(line)}\n" for line in lines).encode())

    def _append(self, lines: list[dict[str, Any]]) -> None:
        if not lines:
            return
        if "name" in lines[-1]:
            self.generation = None
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with os.fdopen(os.open(self._path, flags, FILE_MODE), "ab") as file:
            file.write("".join(f"{json.dumps(line)}\n" for line in lines).encode())


def _line(name: str, entry: Entry) -> dict[str, Any]:
    return {
        "name": name,
        "etag": entry.etag,
        "size": entry.size,
        "mtime_ns": entry.mtime_ns,
    }


def _parse(line: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
