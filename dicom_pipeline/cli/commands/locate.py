"""``dicom-pipeline locate``.

Belongs here: options, output and exit code.
Does not belong here: finding the files (operations.locate).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dicom_pipeline.cli.console import user_errors
from dicom_pipeline.cli.context import Debug, Form, Null, open_workspace, require_published
from dicom_pipeline.cli.path_list import Format, warn_of_line_breaks, write_list
from dicom_pipeline.common.errors import EXIT_FAILED
from dicom_pipeline.operations import locate as operation
from dicom_pipeline.warehouse.duckdb.cohort_query import KEYS, QUERY_SECONDS, QueryError
from dicom_pipeline.warehouse.source_files import ORIGINALS


def locate(
    query: Annotated[
        str | None, typer.Option("--query", "-q", help="SQL on the published file.")
    ] = None,
    query_file: Annotated[
        Path | None, typer.Option("--query-file", help="File with the SQL; - is standard input.")
    ] = None,
    null: Null = False,
    form: Form = Format.PATHS,
    original_uids: Annotated[
        bool,
        typer.Option("--original-uids", help="With --format csv, also the UIDs in the files."),
    ] = False,
    all_versions: Annotated[
        bool,
        typer.Option("--all-versions", help="Also duplicates and other versions of the images."),
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, help="Stop the SQL after this number of seconds.")
    ] = QUERY_SECONDS,
    debug: Debug = False,
) -> None:
    """List the source files of a cohort that SQL selects.

    For people who may read the raw zone: paths can identify a patient. The SQL
    is one SELECT on the published file and can read nothing else. Its result
    has a column image_key, series_key, study_key or patient_key, or the UID of
    an image, series or study as in the tables; if it has several, the finest
    level is used.

    For each image, the file that its row was loaded from is listed. Paths are
    written to standard output, counts to standard error. No lock is taken: the
    command may run at any time.

    Exit code: 0 found, 1 no file or nothing published, 2 a setting, the key or the SQL cannot be
    used.
    """
    with user_errors(debug, stderr=True) as console:
        sql = _query(query, query_file)
        if original_uids and form is not Format.CSV:
            raise QueryError("--original-uids needs --format csv")
        workspace = open_workspace()
        require_published(workspace.settings.database, console)
        workspace.ingest.pull()
        columns = KEYS if form is Format.CSV else ()
        columns = (*columns, *ORIGINALS) if original_uids else columns
        located = operation.locate(workspace, sql, columns, every=all_versions, seconds=timeout)
        with_line_break = write_list(located.paths, located.header, located.rows(), form, null=null)
        console.print(
            f"files: {len(located.paths)}; images: {located.images.num_rows}; "
            f"series: {located.count('series_key')}; studies: {located.count('study_key')}; "
            f"patients: {located.count('patient_key')}"
        )
        if missing := located.without_file:
            console.print(
                f"{missing} images are no longer in the raw zone; update the tables: "
                "dicom-pipeline run"
            )
        warn_of_line_breaks(console, with_line_break)
        if not located.paths:
            raise typer.Exit(EXIT_FAILED)


def _query(query: str | None, query_file: Path | None) -> str:
    if (query is None) == (query_file is None):
        raise QueryError("give the SQL either with --query or with --query-file")
    if query is not None:
        return query
    assert query_file is not None
    try:
        return sys.stdin.read() if str(query_file) == "-" else query_file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise QueryError("--query-file: the file cannot be read as UTF-8 text") from None
