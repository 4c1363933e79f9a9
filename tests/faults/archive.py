"""Archive for the fault tests: its first state and a changed state."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pydicom import dcmread

from tests.endtoend.archive import write_instances

# names that a scan ignores
IGNORED = frozenset({"first/.hidden", "first/arriving.part"})
_LONG_AGO = 1_600_000_000


def fill(landing: Path) -> None:
    """Write 60 instances of nine series and nine months, and files that give no row."""
    first = landing / "first"
    write_instances(first, 60, series=9)
    for number in (1, 20):
        shutil.copyfile(first / f"i{number:05d}.dcm", first / f"copy {number}.dcm")
    whole = (first / "i00000.dcm").read_bytes()
    (first / "cut.dcm").write_bytes(whole[:900])
    (first / "notes.txt").write_bytes(b"no instance\n" * 30)
    for name in IGNORED:
        (landing / name).write_bytes(whole)
    _age(landing, 0)


def change(landing: Path) -> None:
    """Add files, some of new months, change some, move one to another month, delete some."""
    write_instances(landing / "second", 14, series=12, prefix="second")
    for number, date in ((3, "20111103"), (4, None), (5, None)):
        path = landing / "first" / f"i{number:05d}.dcm"
        header = dcmread(path)
        header.SeriesDescription = "chest"
        header.StudyDate = date or header.StudyDate
        header.save_as(path)
    for number in (10, 11, 12, 13):
        (landing / "first" / f"i{number:05d}.dcm").unlink()
    _age(landing / "second", 1000)
    for number in (3, 4, 5):
        _age(landing / "first" / f"i{number:05d}.dcm", 2000)


def _age(place: Path, later: int) -> None:
    """Set file times that are the same each time the archive is written."""
    files = [place] if place.is_file() else [p for p in sorted(place.rglob("*")) if p.is_file()]
    for number, path in enumerate(files):
        os.utime(path, (_LONG_AGO, _LONG_AGO + later + number))
