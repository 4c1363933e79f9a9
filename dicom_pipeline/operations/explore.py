"""Harlequin on the published file.

Belongs here: finding Harlequin, and what it is started with.
Does not belong here: making the file that it shows (warehouse.publish).
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from dicom_pipeline.common.errors import ConfigurationError
from dicom_pipeline.config.project import PROJECT_DIR

_REQUIREMENT = "harlequin>=2.17,<3"
# its pins of click are not ours: so it has an environment of its own, from `make harlequin`
OWN_ENVIRONMENT = PROJECT_DIR / ".harlequin"


class ExploreError(ConfigurationError):
    """Harlequin cannot be started; one line that says how it can be."""


def harlequin_command() -> list[str]:
    """What starts Harlequin: of this environment, of its own, on the PATH, or by uvx.

    Raises
    ------
    ExploreError
        There is none.
    """
    places = (Path(sys.executable).with_name("harlequin"), OWN_ENVIRONMENT / "bin" / "harlequin")
    for place in places:
        if os.access(place, os.X_OK):
            return [str(place)]
    if found := shutil.which("harlequin"):
        return [found]
    if found := shutil.which("uvx"):
        return [found, "--from", _REQUIREMENT, "harlequin"]
    raise ExploreError(
        "Harlequin is not installed: `uv tool install harlequin`, or `make harlequin` in a checkout"
    )


def open_in_harlequin(database: Path) -> None:
    """Become Harlequin, on a database that is only read; does not return.

    Parameters
    ----------
    database
        The published file. It may be replaced meanwhile: what is open stays as it is.

    Raises
    ------
    ExploreError
        Harlequin cannot be started.
    """
    command = [*harlequin_command(), "--adapter", "duckdb", "--read-only", str(database)]
    sys.stdout.flush()
    try:
        os.execv(command[0], command)  # noqa: S606 - the terminal is its own from here on
    except OSError as error:
        raise ExploreError(f"Harlequin cannot be started: {error.strerror}") from None
