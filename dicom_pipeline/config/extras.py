"""Optional packages: which extra of this project provides the module that a setting needs.

Belongs here: the check, which does not import the module, and its error.
Does not belong here: which setting needs which module (settings), the definition of the extras
(pyproject.toml).
"""

from __future__ import annotations

from importlib.util import find_spec

from dicom_pipeline.common.errors import ConfigurationError

PROJECT = "dicom-pipeline"


class MissingExtraError(ConfigurationError):
    """A setting or a command needs a package that is not installed."""


def is_installed(module: str) -> bool:
    """Return whether a module can be found; only its parent packages are imported."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False


def require_extra(module: str, extra: str, needed_by: str) -> None:
    """Check that a module of an extra is installed.

    Parameters
    ----------
    module
        Dotted name of a module.
    extra
        The extra that provides it.
    needed_by
        What needs it: the start of the message.

    Raises
    ------
    MissingExtraError
        The module is not installed.
    """
    if not is_installed(module):
        raise MissingExtraError(f"{needed_by}: install {PROJECT}[{extra}]")
