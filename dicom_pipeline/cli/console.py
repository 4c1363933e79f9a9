"""How commands speak: errors as one line with an exit code, and the question before what is final.

Belongs here: what all commands share on the terminal.
Does not belong here: the commands (cli), layout of reports (report), any work.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape

from dicom_pipeline.common.disk_errors import disk_error
from dicom_pipeline.common.errors import EXIT_FAILED, ConfirmationRequired, UserError
from dicom_pipeline.deid.identifiers import IdentifierError

EXIT_STOPPED = 130  # as shells have it


class NotConfirmed(ConfirmationRequired):
    """Nobody said yes; nothing was changed."""


_INTERRUPTED = "DagsterExecutionInterruptedError"  # Ctrl-C in a step


@contextmanager
def user_errors(debug: bool, *, stderr: bool = False) -> Iterator[Console]:
    """Turn what can go wrong into one line and an exit code.

    Parameters
    ----------
    debug
        Let errors through.
    stderr
        Whether lines go to standard error, because another program reads what the command lists.
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
            console.print("stopped; what was done stays, and the same command goes on from there")
            raise typer.Exit(EXIT_STOPPED) from None
        if debug:
            raise
        if told := disk_error(error, {}):
            console.print(f"[red]error:[/red] {told}")
            raise typer.Exit(EXIT_FAILED) from None
        # the message of an unexpected error may quote a value: its kind must do
        console.print(f"[red]error:[/red] {type(error).__name__}; again with --debug says more")
        raise typer.Exit(EXIT_FAILED) from None


def confirmation(console: Console, *, yes: bool) -> Callable[[str], None]:
    """What asks before something final is done; raises `NotConfirmed` unless somebody agrees."""

    def confirm(what: str) -> None:
        console.print(escape(what))
        if yes:
            return
        if not sys.stdin.isatty():
            raise NotConfirmed("nobody can be asked here: --yes confirms. Nothing was changed")
        if not typer.confirm("Go on?"):
            raise NotConfirmed("nothing was changed")

    return confirm


def refuse_extra(arguments: list[str]) -> None:
    """Refuse what no option takes, without quoting it: it may be somebody's identifier."""
    if arguments:
        raise IdentifierError("there is an argument that no option takes; see --help")
