"""The archive that faults are tried on: what lies there at first, and what has changed then."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pydicom import dcmread

from tests.endtoend.archive import write_instances

# what a scan passes over, by name
IGNORED = frozenset({"first/.hidden", "first/arriving.part"})
_LONG_AGO = 1_600_000_000


def fill(landing: Path) -> None:
    """Sixty instances of nine series over nine months, and files that are no rows of their own."""
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
    """Files come, also of new months; some change, one of them moves to another; some go."""
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
    """Times that are the same whenever this archive is made."""
    files = [place] if place.is_file() else [p for p in sorted(place.rglob("*")) if p.is_file()]
    for number, path in enumerate(files):
        os.utime(path, (_LONG_AGO, _LONG_AGO + later + number))
