"""The project directory: what a site edits and owns.

In a checkout it is the checkout. For an installed package it is the directory that
``dicom-pipeline init`` created, found from the working directory upwards like a git repository.

Belongs here: finding it, and its record. Does not belong here: creating it
(operations.project_directory).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dicom_pipeline import __version__
from dicom_pipeline.common.errors import ConfigurationError

PACKAGE_DIR = Path(__file__).resolve().parents[1]
# version of the package and hashes of the files that ``init`` wrote
RECORD = "dicom_pipeline.json"


class ProjectDirectoryError(ConfigurationError):
    """There is no project directory, or it is of another version of the package."""


def find_project_dir(working_dir: Path) -> Path | None:
    """Return the project directory for a working directory; None if there is none.

    Parameters
    ----------
    working_dir
        Where the command was started. Not used in a checkout.
    """
    checkout = PACKAGE_DIR.parent
    if (checkout / "dbt_snowflake").is_dir():
        return checkout
    candidates = (working_dir, *working_dir.parents)
    return next((path for path in candidates if (path / RECORD).is_file()), None)


def _working_dir() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # it was deleted
        return Path("/")


_FOUND = find_project_dir(_working_dir())
PROJECT_DIR = _FOUND or _working_dir()
DBT_PROJECT_DIR = PROJECT_DIR / "dbt_snowflake"


def read_record(directory: Path) -> dict[str, Any]:
    """Read the record of a project directory: ``version`` and ``files`` (path -> SHA-256).

    Raises
    ------
    ProjectDirectoryError
        It cannot be read.
    """
    try:
        record = json.loads((directory / RECORD).read_text())
        return {"version": str(record["version"]), "files": dict(record["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise ProjectDirectoryError(
            f"{RECORD} in the project directory cannot be read: restore it from a backup"
        ) from None


def require_project_dir() -> None:
    """Check that there is a project directory of this version of the package.

    Raises
    ------
    ProjectDirectoryError
        There is none, or another version of the package created it.
    """
    if _FOUND is None:
        raise ProjectDirectoryError(
            "this is not a project directory: `dicom-pipeline init DIR` creates one, then run "
            "the command in it"
        )
    if not (_FOUND / RECORD).is_file():
        return  # a checkout
    version = read_record(_FOUND)["version"]
    if version != __version__:
        raise ProjectDirectoryError(
            f"this project directory is of dicom-pipeline {version}, but {__version__} is "
            "installed: dicom-pipeline init --upgrade ."
        )
