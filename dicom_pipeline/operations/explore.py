"""Start Harlequin, a SQL client for the terminal, on the published file.

Belongs here: finding Harlequin and its command line.
Does not belong here: writing the published file (warehouse.duckdb.publish).
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from dicom_pipeline.common.errors import ConfigurationError
from dicom_pipeline.config.project import PROJECT_DIR

_REQUIREMENT = "harlequin>=2.17,<3"
# Harlequin pins another version of click: `make harlequin` installs it in a separate environment
OWN_ENVIRONMENT = PROJECT_DIR / ".harlequin"


class ExploreError(ConfigurationError):
    """Harlequin cannot be started; the message says how to install it."""


def harlequin_command() -> list[str]:
    """Return the command that starts Harlequin.

    It is searched in this environment, in its own environment, on the PATH, and last with uvx.

    Raises
    ------
    ExploreError
        Harlequin is not installed.
    """
    candidates = (Path(sys.executable).with_name("harlequin"), OWN_ENVIRONMENT / "bin/harlequin")
    for candidate in candidates:
        if os.access(candidate, os.X_OK):
            return [str(candidate)]
    if found := shutil.which("harlequin"):
        return [found]
    if found := shutil.which("uvx"):
        return [found, "--from", _REQUIREMENT, "harlequin"]
    raise ExploreError(
        "Harlequin is not installed: `uv tool install harlequin`, or `make harlequin` in a checkout"
    )


def open_in_harlequin(database: Path) -> None:
    """Replace this process with Harlequin, read-only on a database; does not return.

    Parameters
    ----------
    database
        The published file. A run may replace it meanwhile: Harlequin keeps the version that it
        opened.

    Raises
    ------
    ExploreError
        Harlequin cannot be started.
    """
    command = [*harlequin_command(), "--adapter", "duckdb", "--read-only", str(database)]
    sys.stdout.flush()
    try:
        os.execv(command[0], command)  # noqa: S606 - Harlequin needs the terminal for itself
    except OSError as error:
        raise ExploreError(f"Harlequin cannot be started: {error.strerror}") from None
