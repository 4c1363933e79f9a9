"""Optional packages: which extra of this project brings the module that a setting needs.

Belongs here: the check, which imports nothing, and its error.
Does not belong here: which setting needs what (settings), and the extras themselves
(pyproject.toml).
"""

from __future__ import annotations

from importlib.util import find_spec

from dicom_pipeline.common.errors import ConfigurationError

PROJECT = "dicom-pipeline"


class MissingExtraError(ConfigurationError):
    """A setting or a command needs a package that is not installed."""


def is_installed(module: str) -> bool:
    """Return whether a module can be imported; only the packages above it are imported."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package above it
        return False


def require_extra(module: str, extra: str, needed_by: str) -> None:
    """Check that a module of an extra is installed.

    Parameters
    ----------
    module
        Dotted name of a module.
    extra
        The extra that brings it.
    needed_by
        Why it is needed: the start of the message.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    if not is_installed(module):
        raise MissingExtraError(f"{needed_by}: install {PROJECT}[{extra}]")
