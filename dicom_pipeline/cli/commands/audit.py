"""``dicom-pipeline audit``.

Belongs here: options and output. Does not belong here: the log (common.audit_log).
"""

from __future__ import annotations

import csv
import sys
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from dicom_pipeline.cli.console import user_errors
from dicom_pipeline.cli.context import Debug, open_workspace
from dicom_pipeline.common.errors import EXIT_FAILED


class TableFormat(StrEnum):
    """Format of a table."""

    TABLE = "table"
    CSV = "csv"


def audit(
    since: Annotated[
        datetime | None,
        typer.Option("--since", formats=["%Y-%m-%d"], help="Only actions from this day on (UTC)."),
    ] = None,
    action: Annotated[
        list[str] | None, typer.Option("--action", help="Only this action; may be repeated.")
    ] = None,
    form: Annotated[
        TableFormat, typer.Option("--format", help="table, or csv for other programs.")
    ] = TableFormat.TABLE,
    debug: Debug = False,
) -> None:
    """List who used or changed patient data, when, and with what outcome.

    The log has publications, changes of the mapping, and the commands locate,
    rejects, removed-words, pseudonym, purge and rotate-key. It has no
    identifiers. The outcome is done, failed, refused (not confirmed, or a zone
    is missing), or begun if the process was killed or still runs.

    Exit code: 0 found, 1 none, 2 a setting cannot be used.
    """
    with user_errors(debug) as console:
        entries = [
            entry
            for entry in open_workspace().warehouse.audit_log.entries()
            if (since is None or entry.time[:10] >= f"{since:%Y-%m-%d}")
            and (not action or entry.action in action)
        ]
        columns = ("time", "user", "action", "outcome", "counts")
        rows = [
            (
                e.time,
                e.user,
                e.action,
                e.outcome,
                ", ".join(f"{n} {c}" for n, c in e.counts.items()),
            )
            for e in entries
        ]
        if form is TableFormat.CSV:
            csv.writer(sys.stdout, lineterminator="\n").writerows([columns, *rows])
        else:
            table = Table(*columns, header_style="bold", box=None, pad_edge=False)
            for row in rows:
                table.add_row(*row)
            console.print(table)
        if not entries:
            raise typer.Exit(EXIT_FAILED)
