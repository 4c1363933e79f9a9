"""``dicom-pipeline run``.

Belongs here: options, output and exit code. Does not belong here: the run (operations.run).
"""

from __future__ import annotations

import time
from typing import Annotated

import typer

from dicom_pipeline.cli.console import user_errors
from dicom_pipeline.cli.context import Debug, open_job, open_workspace
from dicom_pipeline.cli.tables import (
    print_accepted_risks,
    print_file_counts,
    print_queries,
    print_removed_cells,
    print_tables,
)
from dicom_pipeline.common.errors import EXIT_FAILED
from dicom_pipeline.config.settings import OnDelete
from dicom_pipeline.operations import run as operation


def run(
    sample: Annotated[
        bool,
        typer.Option(
            "--sample",
            help="Copy the DICOM files that ship with pydicom into the project's own landing "
            "zone, if that is the one in use and it is empty.",
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Read every file again, even if nothing changed.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Load new files of the landing zone, and publish the tables.

    The command runs materialize_all_assets_job in this process; `dagster dev`
    shows the run afterwards.

    Exit code: 0 done, 1 the run failed, 2 a setting cannot be used, 3 the scan was refused.
    """
    with user_errors(debug) as console:
        began = time.monotonic()
        workspace = open_workspace()
        settings = workspace.settings
        result = operation.run(
            workspace,
            console,
            lambda: open_job(workspace, console),
            sample=sample,
            force=force,
            debug=debug,
        )
        counts = result.counts
        console.print()
        print_file_counts(console, counts, keeps=settings.on_delete is OnDelete.KEEP)
        print_accepted_risks(console, workspace.ingest.mapping, settings.profile)
        print_removed_cells(console, workspace.warehouse.removed_cells())
        if not result.success:
            raise typer.Exit(EXIT_FAILED)
        console.print()
        if not counts.discovered:
            console.print(f"[yellow]there are no files in {settings.landing}[/yellow]")
        print_tables(console, settings.database, loaded=counts.loaded, profile=settings.profile)
        if result.unchanged_since is None:
            print_queries(console)
        console.print(f"\ndone in {time.monotonic() - began:.0f} s")
        if not counts.balanced:
            raise typer.Exit(EXIT_FAILED)
