"""``dicom-pipeline init``: create a project directory, or upgrade one.

Belongs here: which files are written, replaced, removed or kept because they were edited.
Does not belong here: the files (files), options and output (cli).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dicom_pipeline import __version__
from dicom_pipeline.common.errors import ConfirmationRequired
from dicom_pipeline.config.project import RECORD, read_record
from dicom_pipeline.operations.project_directory.files import project_files


class InitRefused(ConfirmationRequired):
    """The directory cannot be used; nothing was written."""


@dataclass(frozen=True)
class Upgrade:
    """Result of an upgrade.

    Attributes
    ----------
    before, after
        Versions of the package.
    written
        Files that were replaced or added.
    removed
        Files that the new version no longer contains.
    edited
        Files that were edited and therefore not changed.
    """

    before: str
    after: str
    written: Sequence[str]
    removed: Sequence[str]
    edited: Sequence[str]


def create(directory: Path) -> int:
    """Create a project directory; return the number of files.

    Raises
    ------
    InitRefused
        The directory is not empty, is a file, or cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise InitRefused(
                "the directory is not empty: choose a new one; to upgrade a project directory, run "
                "dicom-pipeline init --upgrade DIR"
            )
        files = project_files()
        for name, content in files.items():
            _write(directory / name, content)
        _write_record(directory, files)
    except OSError as error:
        raise InitRefused(f"the directory cannot be written: {error.strerror}") from None
    return len(files)


def upgrade(directory: Path) -> Upgrade:
    """Replace files that were not edited with those of this version of the package.

    An interrupted upgrade can be repeated, because the record is written last.

    Raises
    ------
    InitRefused
        The directory is not a project directory, or cannot be written.
    ProjectDirectoryError
        Its record cannot be read.
    """
    if not (directory / RECORD).is_file():
        raise InitRefused("this is not a project directory: dicom-pipeline init DIR creates one")
    record = read_record(directory)
    files, known = project_files(), record["files"]
    written, removed, edited = [], [], []
    try:
        for name in sorted({*files, *known}):
            path, new = directory / name, files.get(name)
            current = path.read_bytes() if path.is_file() else None
            if current == new:
                continue
            if current is not None and _digest(current) != known.get(name):
                edited.append(name)
            elif new is None:
                path.unlink(missing_ok=True)
                removed.append(name)
            else:
                _write(path, new)
                written.append(name)
        _write_record(directory, files)
    except OSError as error:
        raise InitRefused(f"the directory cannot be written: {error.strerror}") from None
    return Upgrade(record["version"], __version__, written, removed, edited)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


def _write_record(directory: Path, files: dict[str, bytes]) -> None:
    record = {
        "version": __version__,
        "files": {name: _digest(content) for name, content in files.items()},
    }
    _write(directory / RECORD, (json.dumps(record, indent=2) + "\n").encode())
