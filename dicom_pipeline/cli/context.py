"""Objects and options that several commands share: the workspace, the job, common options.

Belongs here: opening the workspace and the job; options with the same meaning everywhere.
Does not belong here: output (console, tables), the commands (commands).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from dicom_pipeline.cli.path_list import Format
from dicom_pipeline.common.errors import EXIT_FAILED
from dicom_pipeline.config.settings import load_settings
from dicom_pipeline.workspace import Workspace

if TYPE_CHECKING:
    from dicom_pipeline.orchestration.command_job import CommandJob

Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks. They may quote PHI.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
Null = Annotated[bool, typer.Option("--null", "-0", help="End each path with NUL, for `xargs -0`.")]
Form = Annotated[Format, typer.Option("--format", help="paths, or csv with more columns per file.")]
# these commands reject unknown arguments themselves: the message of click would quote them
QUIET_ARGUMENTS = {"allow_extra_args": True, "ignore_unknown_options": True}


def open_workspace() -> Workspace:
    """Return the services of the settings in the environment.

    Raises
    ------
    SettingsError
        A variable cannot be used.
    """
    return Workspace(load_settings())


def open_job(workspace: Workspace, console: Console) -> AbstractContextManager[CommandJob]:
    """Load the definitions and open the job; imports Dagster, which takes seconds."""
    with console.status("loading the definitions"):
        from dicom_pipeline.definitions import build_defs
        from dicom_pipeline.orchestration.command_job import open_command_job

        defs = build_defs(workspace)
    return open_command_job(workspace.settings, workspace.ingest, console, defs)


def require_published(database: Path, console: Console) -> None:
    """Exit with code 1 if nothing has been published."""
    if not database.exists():
        console.print("nothing is published yet: dicom-pipeline run")
        raise typer.Exit(EXIT_FAILED)
