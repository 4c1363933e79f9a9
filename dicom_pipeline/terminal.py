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

from dicom_pipeline.attributes import MappingError
from dicom_pipeline.disk import DiskError, disk_error
from dicom_pipeline.explore import ExploreError
from dicom_pipeline.extract.withdrawal import WithdrawalError
from dicom_pipeline.identifiers import IdentifierError
from dicom_pipeline.landing.manifest import ManifestDamaged
from dicom_pipeline.landing.scan import ScanRefused
from dicom_pipeline.lock import LockTaken
from dicom_pipeline.mending import Damaged
from dicom_pipeline.place import ZoneConflict, ZoneUnavailable
from dicom_pipeline.rotate import RotationRefused
from dicom_pipeline.settings import SettingsError
from dicom_pipeline.warehouse.cohort import QueryError
from dicom_pipeline.warehouse.publish import PublishRefused
from dicom_pipeline.warehouse.snowflake_session import SnowflakeError
from dicom_pipeline.warehouse.vault import VaultError
from dicom_pipeline.withdraw import UnknownSubject

EXIT_FAILED = 1
EXIT_CONFIGURATION = 2
EXIT_REFUSED = 3
EXIT_STOPPED = 130  # as shells have it


class NotConfirmed(Exception):
    """Nobody said yes; nothing was changed."""


_CODES: dict[type[Exception], int] = {
    SettingsError: EXIT_CONFIGURATION,
    MappingError: EXIT_CONFIGURATION,
    VaultError: EXIT_CONFIGURATION,
    WithdrawalError: EXIT_CONFIGURATION,
    IdentifierError: EXIT_CONFIGURATION,
    QueryError: EXIT_CONFIGURATION,
    ExploreError: EXIT_CONFIGURATION,
    ScanRefused: EXIT_REFUSED,
    RotationRefused: EXIT_REFUSED,
    NotConfirmed: EXIT_REFUSED,
    ZoneUnavailable: EXIT_REFUSED,
    ZoneConflict: EXIT_FAILED,
    LockTaken: EXIT_FAILED,
    DiskError: EXIT_FAILED,
    Damaged: EXIT_FAILED,
    ManifestDamaged: EXIT_FAILED,
    PublishRefused: EXIT_FAILED,
    SnowflakeError: EXIT_FAILED,
    UnknownSubject: EXIT_FAILED,
}
_INTERRUPTED = "DagsterExecutionInterruptedError"  # Ctrl-C in a step
# names of errors whose message is one line and quotes no value, as events of Dagster have them
PLAIN_ERRORS = frozenset(kind.__name__ for kind in _CODES)


@contextmanager
def plain_errors(debug: bool, *, stderr: bool = False) -> Iterator[Console]:
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
    except tuple(_CODES) as error:
        if debug:
            raise
        console.print(f"[red]error:[/red] {escape(str(error))}")
        raise typer.Exit(_CODES[type(error)]) from None
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
