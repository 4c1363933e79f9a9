"""What the copy of a raw zone is of: the ETag of each file, on this machine's disk.

Belongs here: the record's lines. Does not belong here: the copy itself (raw_mirror).

A line a change, the last one counts; a line that was cut off by a crash is as if it were not there.
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
    """A copy: the object's ETag, and by what the file is known to be untouched since."""

    etag: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path, etag: str) -> Entry:
        """The entry of a file as it lies there; raises ``OSError`` without one."""
        status = path.stat()
        return cls(etag, status.st_size, status.st_mtime_ns)


class MirrorRecord:
    """The record of a copy.

    Parameters
    ----------
    path
        Where it lies.
    place
        What is copied: a record of another place is none.
    """

    def __init__(self, path: Path, place: str) -> None:
        self._path = path
        self._place = place
        self.entries: dict[str, Entry] = {}
        self.generation: str | None = None

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def __getitem__(self, name: str) -> Entry:
        return self.entries[name]

    def load(self) -> None:
        """Read what is there."""
        self.entries, self.generation = {}, None
        try:
            lines = self._path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            lines = []
        if not lines or _parsed(lines[0]).get("place") != self._place:
            self.rewrite({}, None)
            return
        for change in map(_parsed, lines[1:]):
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
        """Note a copy."""
        self.entries[name] = entry
        self._append([_line(name, entry)])

    def drop(self, names: Iterable[str]) -> None:
        """Note copies that are gone."""
        gone = [name for name in names if self.entries.pop(name, None)]
        self._append([{"name": name, "etag": None} for name in gone])

    def set_generation(self, generation: str | None) -> None:
        """Note which generation of the zone this is."""
        if generation != self.generation:
            self._append([{"generation": generation}])
        self.generation = generation

    def rewrite(self, names: Iterable[str], generation: str | None) -> None:
        """Keep some entries, and forget how it came to them."""
        self.entries = {name: self.entries[name] for name in names}
        self.generation = generation
        lines = [{"place": self._place}, *(_line(n, e) for n, e in self.entries.items())]
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


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
