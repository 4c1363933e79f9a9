"""``dicom-pipeline report``.

Belongs here: options, output and exit code.
Does not belong here: the report (reporting.html_report).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dicom_pipeline.cli.console import user_errors
from dicom_pipeline.cli.context import Debug, open_workspace, require_published


def report(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The HTML file to write.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Write an HTML report about the archive, to be opened in a browser.

    It shows contents, file outcomes, missing attributes and conflicts, as
    counts only, and needs no network. It contains the true months of studies,
    in groups of 11 or more. Therefore it is written to the warehouse directory
    unless --output is given, and only its owner may read it.

    Exit code: 0 done, 1 nothing is published yet, 2 a setting cannot be used.
    """
    with user_errors(debug) as console:
        from dicom_pipeline.reporting.html_report import write_report  # imports matplotlib

        workspace = open_workspace()
        require_published(workspace.settings.database, console)
        workspace.ingest.pull()
        target = (output or workspace.warehouse.report_file).absolute()
        if target.is_dir() or not target.parent.is_dir():
            raise typer.BadParameter(
                "must be a file in an existing directory", param_hint="--output"
            )
        with console.status("counting rows and drawing charts"):
            write_report(workspace.ingest, target)
        console.print(f"report: {target}", soft_wrap=True, markup=False, highlight=False)
