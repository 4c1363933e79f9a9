"""The project directory: the files that a site edits.

A checkout is its own project directory. For an installed package it is the directory that
``dicom-pipeline init`` created: the working directory or one of its parents.

Belongs here: finding the project directory, and reading its record.
Does not belong here: creating it (operations.project_directory).
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
    """There is no project directory, or another version of the package created it."""


def find_project_dir(working_dir: Path) -> Path | None:
    """Find the project directory for a working directory; return None if there is none.

    Parameters
    ----------
    working_dir
        Working directory of the command. Not used in a checkout.
    """
    checkout = PACKAGE_DIR.parent
    if (checkout / "dbt_snowflake").is_dir():
        return checkout
    candidates = (working_dir, *working_dir.parents)
    return next((path for path in candidates if (path / RECORD).is_file()), None)


def _working_dir() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # the working directory was deleted
        return Path("/")


_FOUND = find_project_dir(_working_dir())
PROJECT_DIR = _FOUND or _working_dir()
DBT_PROJECT_DIR = PROJECT_DIR / "dbt_snowflake"


def read_record(directory: Path) -> dict[str, Any]:
    """Read the record of a project directory: ``version`` and ``files`` (path -> SHA-256).

    Raises
    ------
    ProjectDirectoryError
        The record cannot be read.
    """
    try:
        record = json.loads((directory / RECORD).read_text())
        return {"version": str(record["version"]), "files": dict(record["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise ProjectDirectoryError(
            f"{RECORD} in the project directory cannot be read: restore it from a backup"
        ) from None


def require_project_dir() -> None:
    """Check that the project directory exists and has the version of the package.

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
            f"dicom-pipeline {version} created this project directory, but {__version__} is "
            "installed: run dicom-pipeline init --upgrade ."
        )
