"""``dicom-pipeline rotate-key``.

Belongs here: options and exit code. Does not belong here: the rotation (operations.rotate_key).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dicom_pipeline.cli.console import confirmation, user_errors
from dicom_pipeline.cli.context import Debug, Yes, open_job, open_workspace
from dicom_pipeline.common.errors import EXIT_FAILED
from dicom_pipeline.operations import rotate_key as operation


def rotate_key(
    key_file: Annotated[
        Path | None,
        typer.Option("--key-file", help="File with the new key; without it, a key is generated."),
    ] = None,
    yes: Yes = False,
    debug: Debug = False,
) -> None:
    """Replace the key of all pseudonyms, rebuild all tables with it, and publish them.

    No file is read again. All keys, pseudonyms, UIDs and date shifts change:
    files published earlier no longer join. Use this also if the key is lost.

    The new key replaces pseudonym.key in the warehouse directory. If runs take
    the key from DICOM_PSEUDONYM_KEY or DICOM_PSEUDONYM_KEY_FILE, set that
    variable to the new key first; the rotation uses it.

    The published file stays until the new one is complete. If the command is
    killed, run it again, or `dicom-pipeline run`.

    Exit code: 0 done, 1 the run failed, 2 a setting or a key cannot be used,
    3 refused: not confirmed, nothing to rotate, or the new key is not set yet.
    """
    with user_errors(debug) as console:
        workspace = open_workspace()
        workspace.ingest.pull()
        with workspace.warehouse.audit_log.record("rotate-key") as counts:
            is_done = operation.rotate_key(
                workspace,
                console,
                lambda: open_job(workspace, console),
                key_file=key_file,
                confirm=confirmation(console, yes=yes),
                debug=debug,
            )
            counts["complete"] = int(is_done)
        if not is_done:
            raise typer.Exit(EXIT_FAILED)
