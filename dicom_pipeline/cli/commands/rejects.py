"""``dicom-pipeline rejects``.

Belongs here: options, output and exit code.
Does not belong here: finding the files (extract.raw_zone.rejected_files).
"""

from __future__ import annotations

from typing import Annotated

import typer

from dicom_pipeline.cli.console import user_errors
from dicom_pipeline.cli.context import Debug, Form, Null, open_workspace
from dicom_pipeline.cli.path_list import Format, warn_of_line_breaks, write_list
from dicom_pipeline.common.errors import EXIT_FAILED
from dicom_pipeline.extract.raw_zone.rejected_files import rejected_files, retry_rejected
from dicom_pipeline.headers.reader import RejectReason
from dicom_pipeline.landing.paths import resolve_paths
from dicom_pipeline.operations.write_session import WriteSession


def rejects(
    reason: Annotated[
        list[RejectReason] | None,
        typer.Option("--reason", help="List only files with this reason; may be repeated."),
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Read the files again in the next run; lists nothing.")
    ] = False,
    null: Null = False,
    form: Form = Format.CSV,
    debug: Debug = False,
) -> None:
    """List the rejected files, with reasons and paths.

    For people who may read the raw zone: paths can identify a patient. Files
    that are ignored by design are listed only with --reason dicomdir. Counts
    are written to standard error.

    With --retry, the next run reads the files again although they have not
    changed, for example after an upgrade or after a disk was repaired.

    Exit code: 0 found, 1 none, 2 a setting cannot be used.
    """
    with user_errors(debug, stderr=True) as console:
        workspace = open_workspace()
        ingest = workspace.ingest
        reasons = frozenset(reason or ())
        action = "rejects --retry" if retry else "rejects"
        with workspace.warehouse.audit_log.record(action) as counts:
            if retry:
                with WriteSession(workspace)(waiting=console.print):
                    count = retry_rejected(ingest.partitions, reasons)
                console.print(f"{count} files are pending again; next: dicom-pipeline run")
            else:
                ingest.pull()
                found = rejected_files(ingest.partitions, reasons)
                count = len(found)
                paths = list(resolve_paths(ingest.settings.landing, (file.path for file in found)))
                rows = (
                    (file.outcome, file.reason, path, file.fault)
                    for file, path in zip(found, paths, strict=True)
                )
                columns = ("outcome", "reason", "path", "fault")
                with_line_break = write_list(paths, columns, rows, form, null=null)
                console.print(f"{count} files")
                warn_of_line_breaks(console, with_line_break)
            counts["files"] = count
        if not count:
            raise typer.Exit(EXIT_FAILED)
