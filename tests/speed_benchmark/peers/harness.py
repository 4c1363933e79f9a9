"""Common code of all peers: read a list of files, count values, print CPU seconds.

Belongs here: arguments, time measurement, the format of the result.
Does not belong here: libraries that read DICOM, and anything outside the standard library.

CPU time is that of the process and its children while files are read, without imports.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Texts = list["str | None"]
NUMBERS = frozenset({"US", "SS", "UL", "SL", "US or SS", "UV", "SV"})
REALS = frozenset({"FD", "FL"})
# Python codecs of the character sets in the corpora, for peers that do not decode text
CODECS = {
    "ISO_IR 100": "latin-1", "ISO_IR 144": "iso8859-5", "ISO_IR 192": "utf-8",
    "GB18030": "gb18030", "\\ISO 2022 IR 87": "iso2022-jp",
}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """An attribute whose text is read."""

    tag: int
    vr: str
    keyword: str


@dataclass
class Peer:
    """A reader of one file, or of many files at once; ``about`` is printed with the result."""

    read: Callable[[str], Texts] | None = None
    read_all: Callable[[list[str], bool], Iterator[Texts]] | None = None
    about: dict[str, Any] = field(default_factory=dict)

    def texts(self, paths: list[str], *, values: bool) -> Iterator[Texts]:
        """Return the texts of each file."""
        if self.read_all:
            yield from self.read_all(paths, values)
        elif self.read:
            yield from map(self.read, paths)


def run(make: Callable[[list[Wanted], str], Peer]) -> None:
    """Run a peer with the options of the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", type=Path)
    parser.add_argument("wanted", type=Path)
    parser.add_argument(
        "--values", type=Path, help="write the texts to this file; disables time measurement"
    )
    parser.add_argument("--option", default="")
    parser.add_argument(
        "--passes", type=int, default=1, help="number of passes; the last one is timed"
    )
    options = parser.parse_args()
    paths = options.paths.read_text().splitlines()
    peer = make([Wanted(**each) for each in json.loads(options.wanted.read_text())], options.option)
    result: dict[str, Any] = {"files": len(paths)}
    if options.values:
        with options.values.open("w") as lines:
            for texts in peer.texts(paths, values=True):
                lines.write(json.dumps(texts) + "\n")
    else:
        for _ in range(options.passes):
            began, wall, count = cpu_seconds(), time.perf_counter(), 0
            for texts in peer.texts(paths, values=False):
                count += len(texts) - texts.count(None)
            result |= {
                "cpu": cpu_seconds() - began,
                "wall": time.perf_counter() - wall,
                "values": count,
            }
    sys.stdout.write(json.dumps(result | {"about": peer.about}) + "\n")


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its ended children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
