"""``dicom-pipeline status``.

Belongs here: options, output and exit code. Does not belong here: the status (operations.status).
"""

from __future__ import annotations

import typer
from rich.markup import escape

from dicom_pipeline.cli.console import user_errors
from dicom_pipeline.cli.context import Debug, open_workspace
from dicom_pipeline.cli.tables import (
    print_accepted_risks,
    print_file_counts,
    print_removed_cells,
    print_status,
)
from dicom_pipeline.common.errors import EXIT_FAILED
from dicom_pipeline.config.settings import OnDelete
from dicom_pipeline.operations import status as operation


def status(debug: Debug = False) -> None:
    """Show file outcomes, what is out of date, failed runs, and the next step.

    Exit code: 0 everything is loaded, 1 there is something to do, 2 a setting cannot be used,
    3 the landing zone cannot be listed.
    """
    with user_errors(debug) as console:
        from dicom_pipeline.orchestration.build_state import build_state

        workspace = open_workspace()
        settings = workspace.settings
        workspace.ingest.pull()
        counts = workspace.ingest.reconcile()
        console.print(f"landing zone: {escape(str(settings.landing))}")
        print_file_counts(console, counts, keeps=settings.on_delete is OnDelete.KEEP)
        found = operation.status(workspace, counts, build_state(workspace.ingest))
        print_status(console, found, database=settings.database)
        print_accepted_risks(console, workspace.ingest.mapping, settings.profile)
        print_removed_cells(console, workspace.warehouse.removed_cells())
        if found.next_step:
            raise typer.Exit(EXIT_FAILED)
