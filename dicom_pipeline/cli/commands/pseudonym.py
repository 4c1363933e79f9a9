"""``dicom-pipeline pseudonym``.

Belongs here: options and output. Does not belong here: computing pseudonyms (deid.pseudonyms).
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dicom_pipeline.cli.console import reject_extra_arguments, user_errors
from dicom_pipeline.cli.context import Debug, open_workspace
from dicom_pipeline.deid.identifiers import SYNTAX, IdentifierKind, from_options
from dicom_pipeline.deid.pseudonyms import Pseudonyms


def pseudonym(
    context: typer.Context,
    patient_id: Annotated[
        str | None, typer.Option("--patient-id", help="Print patient_key and patient_id.")
    ] = None,
    issuer: Annotated[
        str | None,
        typer.Option("--issuer", help="Issuer of Patient ID, if the files have one."),
    ] = None,
    study_uid: Annotated[
        str | None, typer.Option("--study-uid", help="Print study_key and study_instance_uid.")
    ] = None,
    uid: Annotated[
        str | None, typer.Option("--uid", help="Print the replacement of any other UID.")
    ] = None,
    accession: Annotated[
        str | None, typer.Option("--accession", help="Print accession_number.")
    ] = None,
    stdin: Annotated[
        bool,
        typer.Option(
            "--stdin",
            help=f"Read identifiers from standard input, {SYNTAX} Also uid: and accession:",
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Show how an identifier appears in the tables; needs the key.

    Use it to link a cohort. Only the key is read: the identifier need not be in
    the tables. For one identifier, one line per column is printed, with the
    column name first. With --stdin, one line per identifier is printed, in order
    and without column names, so that `paste` can join the lines with the list.
    Columns are separated by tabs.

    Arguments are visible in the process list and in the shell's history: use
    --stdin to avoid that.

    Exit code: 0 done, 2 a setting, the key or an identifier cannot be used.
    """
    with user_errors(debug):
        reject_extra_arguments(context.args)
        workspace = open_workspace()
        others = {
            IdentifierKind.STUDY: study_uid,
            IdentifierKind.UID: uid,
            IdentifierKind.ACCESSION: accession,
        }
        listed = sys.stdin.buffer.read if stdin else None
        identifiers = from_options(patient_id, issuer, others, listed)
        pseudonyms = Pseudonyms(workspace.warehouse.secret())
        with workspace.warehouse.audit_log.record("pseudonym") as counts:
            counts["identifiers"] = len(identifiers)
            for identifier in identifiers:
                found = pseudonyms.of(identifier)
                lines = ["\t".join(found.values())] if stdin else map("\t".join, found.items())
                print(*lines, sep="\n")
