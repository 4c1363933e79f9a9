"""Sample data: DICOM files from the pydicom wheel, for a first run without your own data.

Belongs here: when and how to copy the sample, and recognising it.
Does not belong here: anything about real landing zones.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from importlib.resources import as_file
from importlib.resources import files as resources
from pathlib import Path

from dicom_pipeline.landing.storage import FileVersion

_FOLDERS = ("test_files", "charset_files")


def is_sample(files: Iterable[FileVersion]) -> bool:
    """Whether all files belong to the sample, by name and size."""
    with as_file(resources("pydicom") / "data") as source:
        return all(_size(source / file.path) == file.size for file in files)


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def put_sample(landing_dir: Path) -> int:
    """Copy the sample into an empty landing zone.

    Returns
    -------
    int
        Number of copied files; 0 if the landing zone is not empty. It is then not changed.
    """
    if landing_dir.is_dir() and any(landing_dir.iterdir()):
        return 0
    landing_dir.mkdir(parents=True, exist_ok=True)
    with as_file(resources("pydicom") / "data") as source:
        for folder in _FOLDERS:
            shutil.copytree(
                source / folder,
                landing_dir / folder,
                ignore=shutil.ignore_patterns("__pycache__", "__init__.py"),
            )
    return sum(path.is_file() for path in landing_dir.rglob("*"))
