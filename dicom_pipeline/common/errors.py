"""Errors that a user can act on: one line that quotes no value, no name and no path.

Belongs here: the base classes, their exit codes, and errors that several layers raise.
Does not belong here: errors that only one module raises; they are defined in that module.
"""

from __future__ import annotations

EXIT_FAILED = 1
EXIT_CONFIGURATION = 2
EXIT_REFUSED = 3


class UserError(Exception):
    """An error whose message is shown as it is: what failed, and what to do next.

    Attributes
    ----------
    exit_code
        Of a command that ends with the error.
    is_retryable
        Whether the same run may succeed later although nobody changes anything.
    """

    exit_code = EXIT_FAILED
    is_retryable = True


class ConfigurationError(UserError):
    """A setting, the mapping, the key or a command argument cannot be used."""

    exit_code = EXIT_CONFIGURATION
    is_retryable = False


class ConfirmationRequired(UserError):
    """Nothing was done: a user must confirm first, or something is missing."""

    exit_code = EXIT_REFUSED
    is_retryable = False


class StorageUnavailable(ConfirmationRequired):
    """A zone or a database cannot be reached as a whole; no single file is the cause."""

    is_retryable = True


class WriteConflict(UserError):
    """Another writer changed a zone that this process had locked; the data read is out of date."""
