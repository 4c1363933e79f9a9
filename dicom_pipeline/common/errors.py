"""Errors that a person can act on: one line that quotes no value, no name and no path.

Belongs here: what all of them are, and what a command ends with for each kind.
Does not belong here: any error itself, which stands with what raises it.
"""

from __future__ import annotations

from collections.abc import Iterator

EXIT_FAILED = 1
EXIT_CONFIGURATION = 2
EXIT_REFUSED = 3


class UserError(Exception):
    """An error whose message is shown as it is: what happened, and what to do."""

    exit_code = EXIT_FAILED


class ConfigurationError(UserError):
    """A setting, the mapping, the key or what somebody handed in cannot be used."""

    exit_code = EXIT_CONFIGURATION


class ConfirmationRequired(UserError):
    """Nothing was done, since a person has to agree first, or something is not there."""

    exit_code = EXIT_REFUSED


def user_error_names() -> frozenset[str]:
    """Names of all plain errors that are known by now, as Dagster's events have them."""
    return frozenset(kind.__name__ for kind in _below(UserError))


def _below(kind: type[UserError]) -> Iterator[type[UserError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)
