"""``dicom-pipeline scan``.

Belongs here: options, output and exit code. Does not belong here: the scan (landing.scan).
"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from dicom_pipeline.cli.console import user_errors
from dicom_pipeline.cli.context import Debug, open_workspace
from dicom_pipeline.landing.scan import ScanReport
from dicom_pipeline.operations.progress_bar import progress_bar
from dicom_pipeline.operations.write_session import WriteSession


def scan(
    accept_deletions: Annotated[
        bool,
        typer.Option(
            "--accept-deletions",
            help="Confirm that the missing files were deleted on purpose: remove their rows.",
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Compare the landing zone with the manifests, and record what changed.

    Only new files are opened. The next run loads what the scan found.

    Exit code: 0 done, 2 a setting cannot be used, 3 refused: so many files are missing that you
    must confirm it.
    """
    with user_errors(debug) as console:
        workspace = open_workspace()
        session = WriteSession(workspace)
        with session(waiting=console.print), progress_bar(console) as progress:
            report = workspace.ingest.scan(accept_deletions=accept_deletions, progress=progress)
        _print_report(console, report)


def _print_report(console: Console, report: ScanReport) -> None:
    console.print(
        f"{report.listed} files: {report.new} new, {report.changed} changed, {report.moved} moved "
        f"to another study period, {report.deleted} deleted, {sum(report.ignored.values())} "
        f"ignored by name, {report.unsettled} possibly still being written"
    )
    console.print(f"study periods to load in the next run: {len(report.partitions)}")
    if report.errors:
        console.print(f"[yellow]{report.errors} folders or files could not be listed[/yellow]")
