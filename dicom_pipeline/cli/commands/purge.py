"""``dicom-pipeline purge``.

Belongs here: options and exit code. Does not belong here: the purge (operations.purge).
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dicom_pipeline.cli.console import confirmation, reject_extra_arguments, user_errors
from dicom_pipeline.cli.context import Debug, Yes, open_job, open_workspace
from dicom_pipeline.common.errors import EXIT_FAILED
from dicom_pipeline.deid.identifiers import SYNTAX, Identifier, IdentifierKind, from_options
from dicom_pipeline.operations.purge import procedure
from dicom_pipeline.operations.purge.receipts import receipts_of


def purge(
    context: typer.Context,
    patient_id: Annotated[
        str | None, typer.Option("--patient-id", help="Purge the patient with this Patient ID.")
    ] = None,
    issuer: Annotated[
        str | None,
        typer.Option("--issuer", help="Issuer of Patient ID; without it, patients of all issuers."),
    ] = None,
    study_uid: Annotated[
        str | None, typer.Option("--study-uid", help="Purge the study with this UID.")
    ] = None,
    stdin: Annotated[
        bool, typer.Option("--stdin", help=f"Read identifiers from standard input, {SYNTAX}")
    ] = False,
    in_advance: Annotated[
        bool,
        typer.Option("--in-advance", help="Also purge subjects of which no file is loaded yet."),
    ] = False,
    yes: Yes = False,
    debug: Debug = False,
) -> None:
    """Remove patients or studies from all tables, and never load them again.

    They are removed from the manifests, the raw zone, the build database,
    the published file, which is replaced, and Snowflake if it is the target;
    there, rows left in other tables of the database are reported. Their DICOM
    files are not deleted: files in the landing zone are ignored from now on,
    with the reason purged.
    Delete the DICOM files, backups and copies yourself. A receipt without
    identifiers is printed, and stored in purged/receipts in the raw zone.

    Arguments are visible in the process list and in the shell's history: use
    --stdin to avoid that. Identifiers are compared as written, except for
    padding.

    If the command is killed, run it again; without a subject it completes an
    interrupted purge. To load a subject again, remove its line from
    purged/subjects.jsonl in the raw zone, then run.

    Exit code: 0 done, 1 a subject is unknown or the run failed, 2 a setting,
    the key or an identifier cannot be used, 3 refused: not confirmed, or no
    landing zone.
    """
    with user_errors(debug) as console:
        reject_extra_arguments(context.args)
        workspace = open_workspace()
        workspace.ingest.pull()
        subjects: list[Identifier] = []
        no_subject = patient_id is None and issuer is None and study_uid is None and not stdin
        if not no_subject or not receipts_of(workspace).unfinished():
            listed = sys.stdin.buffer.read if stdin else None
            subjects = from_options(patient_id, issuer, {IdentifierKind.STUDY: study_uid}, listed)
        with workspace.warehouse.audit_log.record("purge") as counts:
            is_done = procedure.purge(
                workspace,
                console,
                lambda: open_job(workspace, console),
                subjects,
                in_advance=in_advance,
                confirm=confirmation(console, yes=yes),
                debug=debug,
            )
            counts |= {"subjects": len(subjects), "complete": int(is_done)}
        if not is_done:
            raise typer.Exit(EXIT_FAILED)
