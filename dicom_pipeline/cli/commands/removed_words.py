"""``dicom-pipeline removed-words``.

Belongs here: options, output and exit code.
Does not belong here: finding the words (warehouse.removed_words).
"""

from __future__ import annotations

from typing import Annotated

import typer

from dicom_pipeline.cli.console import user_errors
from dicom_pipeline.cli.context import Debug, open_workspace
from dicom_pipeline.cli.tables import print_words
from dicom_pipeline.common.errors import EXIT_FAILED
from dicom_pipeline.operations.write_session import WriteSession


def removed_words(
    min_patients: Annotated[
        int,
        typer.Option(
            "--min-patients",
            min=1,
            help="Omit words of fewer patients: they are more likely to be names.",
        ),
    ] = 2,
    debug: Debug = False,
) -> None:
    """List the words that text cleaning removed, with counts.

    For people who may read the raw zone: a word that is on no list may be a
    name. All removed words are written to review/removed_words.csv in the raw
    zone, and the most frequent ones are shown. To keep a word, add it to
    allowed_words_site.csv in dbt_snowflake/seeds; the next run cleans all texts
    again.

    Exit code: 0 done, 1 nothing is built yet, 2 a setting cannot be used.
    """
    with user_errors(debug) as console:
        workspace = open_workspace()
        warehouse = workspace.warehouse
        if not warehouse.build_database.exists():
            console.print("nothing is built yet: dicom-pipeline run")
            raise typer.Exit(EXIT_FAILED)
        with (
            warehouse.audit_log.record("removed-words") as counts,
            WriteSession(workspace)(waiting=console.print),
        ):
            warehouse.wait_for_build(console.print)
            found, path = warehouse.removed_words(min_patients)
            counts["words"] = len(found)
        print_words(console, found)
        console.print(f"{len(found)} words: {path}")
        if min_patients > 1:
            console.print(
                f"words of fewer than {min_patients} patients are omitted; "
                "--min-patients 1 lists them too"
            )
