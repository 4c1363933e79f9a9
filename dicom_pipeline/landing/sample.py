"""The sample: DICOM files that ship in the pydicom wheel, for a first run without own data.

Belongs here: copying it, and when it may be copied.
Does not belong here: anything about real landing zones.
"""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from pathlib import Path

_FOLDERS = ("test_files", "charset_files")


def put_sample(landing_dir: Path) -> int:
    """Copy the sample into a landing zone that has nothing in it.

    Returns
    -------
    int
        Number of files copied; 0 if anything is there already, which is then not touched.
    """
    if landing_dir.is_dir() and any(landing_dir.iterdir()):
        return 0
    landing_dir.mkdir(parents=True, exist_ok=True)
    with as_file(files("pydicom") / "data") as source:
        for folder in _FOLDERS:
            shutil.copytree(
                source / folder,
                landing_dir / folder,
                ignore=shutil.ignore_patterns("__pycache__", "__init__.py"),
            )
    return sum(path.is_file() for path in landing_dir.rglob("*"))
