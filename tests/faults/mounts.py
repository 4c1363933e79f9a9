"""Small and read-only file systems, on machines where tests can mount them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

_BLOCK = 4096


@cache
def can_mount() -> bool:
    """Return whether a file system can be mounted."""
    if sys.platform != "linux":
        return False
    with TemporaryDirectory() as folder:
        tried = _mount("-t", "tmpfs", "tmpfs", folder)
        if tried:
            subprocess.run(["umount", folder], check=True)
        return tried


def _mount(*arguments: str) -> bool:
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return done.returncode == 0


@contextmanager
def small(place: Path, *, free: int) -> Iterator[None]:
    """Put a folder on a file system of its own with ``free`` free bytes.

    At the end the content moves back to the original disk.
    """
    beside = place.with_name(f"{place.name}.beside")
    used = sum(
        -(-path.stat().st_size // _BLOCK) * _BLOCK if path.is_file() else 0
        for path in place.rglob("*")
    )
    with _mounted(place, f"size={used + free + _BLOCK}", beside):
        yield


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """Put a folder on a file system that is mounted read-only, which also applies to root."""
    beside = place.with_name(f"{place.name}.beside")
    with _mounted(place, "size=500m", beside):
        assert _mount("-o", "remount,ro", str(place))
        yield


@contextmanager
def _mounted(place: Path, options: str, beside: Path) -> Iterator[None]:
    place.rename(beside)
    place.mkdir(mode=0o700)
    assert _mount("-t", "tmpfs", "-o", f"{options},mode=700", "tmpfs", str(place))
    try:
        _copy(beside, place)
        shutil.rmtree(beside)
        yield
    finally:
        _mount("-o", "remount,rw,size=1g", str(place))
        _copy(place, beside)
        subprocess.run(["umount", str(place)], check=True)
        place.rmdir()
        beside.rename(place)


def _copy(one: Path, other: Path) -> None:
    shutil.copytree(one, other, dirs_exist_ok=True)
    shutil.copystat(one, other)


@contextmanager
def unmounted(place: Path) -> Iterator[None]:
    """Replace a folder with an empty one, as when its disk is not mounted."""
    away = place.with_name(f"{place.name}.away")
    place.rename(away)
    place.mkdir()
    try:
        yield
    finally:
        os.rmdir(place)
        away.rename(place)
