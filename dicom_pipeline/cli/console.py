"""Error lines, exit codes and the confirmation prompt, shared by all commands.

Belongs here: terminal behaviour that all commands share.
Does not belong here: the commands (commands), tables (tables), lists of files (path_list).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from dicom_pipeline.common.disk_errors import disk_error
from dicom_pipeline.common.errors import EXIT_FAILED, ConfirmationRequired, UserError
from dicom_pipeline.config.settings import load_settings
from dicom_pipeline.deid.identifiers import IdentifierError

EXIT_STOPPED = 130  # 128 + SIGINT, as in shells


class NotConfirmed(ConfirmationRequired):
    """The user did not confirm; nothing was changed."""


# raised after Ctrl-C in a step; compared by name, because importing Dagster takes seconds
_INTERRUPTED = "DagsterExecutionInterruptedError"


@contextmanager
def user_errors(debug: bool, *, stderr: bool = False) -> Iterator[Console]:
    """Print errors as one line, and exit with the code of the error.

    A `UserError` is printed with its message and ends with its ``exit_code``. Disk errors are
    printed with their cause. Of any other error only the class is printed, because its message may
    quote a patient's data; the exit code is 1. Ctrl-C ends with 130.

    Parameters
    ----------
    debug
        Raise all errors except Ctrl-C, with their traceback.
    stderr
        Print to standard error, because standard output is a list for other programs.

    Yields
    ------
    Console
        Terminal for messages.

    Raises
    ------
    typer.Exit
        With the exit code of the error.
    """
    console = Console(highlight=False, soft_wrap=True, stderr=stderr)
    try:
        yield console
    except UserError as error:
        if debug:
            raise
        console.print(f"[red]error:[/red] {escape(str(error))}")
        raise typer.Exit(error.exit_code) from None
    except typer.Exit:
        raise
    except (KeyboardInterrupt, Exception) as error:
        if isinstance(error, KeyboardInterrupt) or type(error).__name__ == _INTERRUPTED:
            console.print("stopped; completed work is kept: run the same command again to continue")
            raise typer.Exit(EXIT_STOPPED) from None
        if debug:
            raise
        if message := disk_error(error, _directories()):
            console.print(f"[red]error:[/red] {message}")
            raise typer.Exit(EXIT_FAILED) from None
        # the message of an unexpected error may quote a value: only its class is shown
        console.print(
            f"[red]error:[/red] {type(error).__name__}; run again with --debug for details"
        )
        raise typer.Exit(EXIT_FAILED) from None


def _directories() -> dict[str, Path]:
    """Return the directories of the settings; none if the settings cannot be used."""
    try:
        return load_settings().directories
    except UserError:
        return {}


def confirmation(console: Console, *, yes: bool) -> Callable[[str], None]:
    """Return a function that asks the user to confirm an irreversible change.

    The function takes a description of the change, and raises `NotConfirmed` if the user does not
    confirm, or if there is no terminal and ``yes`` is False.
    """

    def confirm(description: str) -> None:
        console.print(escape(description))
        if yes:
            return
        if not sys.stdin.isatty():
            raise NotConfirmed(
                "not confirmed, nothing was changed: standard input is not a terminal, use --yes"
            )
        if not typer.confirm("Continue?"):
            raise NotConfirmed("not confirmed, nothing was changed")

    return confirm


def reject_extra_arguments(arguments: list[str]) -> None:
    """Reject unknown arguments without quoting them: one may be a patient's identifier.

    Raises
    ------
    IdentifierError
        There is an unknown argument.
    """
    if arguments:
        raise IdentifierError("there is an argument that belongs to no option; see --help")
