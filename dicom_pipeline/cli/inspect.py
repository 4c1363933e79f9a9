"""Commands that look: into the published file, and from there or from rejects to source files.

Belongs here: their options, exit codes and words on the terminal; `cli` has them under their names.
Does not belong here: any work, and commands that load, build or publish (cli).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dicom_pipeline.cli.console import user_errors
from dicom_pipeline.cli.path_list import Format, write_list
from dicom_pipeline.common.errors import EXIT_FAILED
from dicom_pipeline.config.settings import load_settings
from dicom_pipeline.extract.raw_zone.rejected_files import rejected_files, retry_rejected
from dicom_pipeline.headers.reader import Reason
from dicom_pipeline.landing.paths import resolve_paths
from dicom_pipeline.operations.explore import open_in_harlequin
from dicom_pipeline.operations.locate import locate as find_files
from dicom_pipeline.warehouse.duckdb.cohort_query import KEYS, QueryError
from dicom_pipeline.warehouse.source_files import ORIGINALS
from dicom_pipeline.workspace import Pipeline

Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks. They may hold PHI.")]
Null = Annotated[
    bool, typer.Option("--null", "-0", help="End paths with NUL, as `xargs -0` reads them.")
]
Form = Annotated[Format, typer.Option("--format", help="paths, or csv with more about each file.")]


def explore(debug: Debug = False) -> None:
    """Open the published file in Harlequin, a SQL client for the terminal, read-only.

    Whatever the pipeline is doing: the file is replaced as a whole, and what is
    open stays as it is until Harlequin is started again. Ctrl-Q ends it.

    Exit code: Harlequin's; 1 nothing is published yet, 2 a setting cannot be used or Harlequin is
    not installed.
    """
    with user_errors(debug, stderr=True) as console:
        pipeline = Pipeline(load_settings())
        _need_published(pipeline, console)
        open_in_harlequin(pipeline.settings.database)


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
    every_file: Annotated[
        bool,
        typer.Option("--every-file", help="Also duplicates and other versions of the images."),
    ] = False,
    debug: Debug = False,
) -> None:
    """List the source files of a cohort that SQL chooses: the way back to the pixels.

    For people who may read the raw zone: paths can identify a patient. The SQL
    is one SELECT on the published file and can reach nothing else. Its result
    has a column image_key, series_key, study_key or patient_key, or the UID of
    an image, series or study as the tables have it; of several the finest
    counts.

    Each image gives the file that its row was made of. Paths go to standard
    output, counts to standard error. Nothing is locked: it may run while the
    pipeline does.

    Exit code: 0 found, 1 no file or nothing published, 2 a setting, the key or the SQL cannot be
    used.
    """
    with user_errors(debug, stderr=True) as console:
        sql = _query(query, query_file)
        if original_uids and form is not Format.CSV:
            raise QueryError("--original-uids goes with --format csv")
        pipeline = Pipeline(load_settings())
        _need_published(pipeline, console)
        pipeline.refresh_raw()
        columns = KEYS if form is Format.CSV else ()
        columns = (*columns, *ORIGINALS) if original_uids else columns
        located = find_files(pipeline, sql, columns, every=every_file)
        torn = write_list(located.paths, located.header, located.rows(), form, null=null)
        console.print(
            f"files: {len(located.paths)}; images: {located.images.num_rows}; "
            f"series: {located.count('series_key')}; studies: {located.count('study_key')}; "
            f"patients: {located.count('patient_key')}"
        )
        if missing := located.without_file:
            console.print(f"{missing} images have no file any more: dicom-pipeline run")
        _tell_torn(console, torn)
        if not located.paths:
            raise typer.Exit(EXIT_FAILED)


def rejects(
    reason: Annotated[
        list[Reason] | None,
        typer.Option("--reason", help="Only files with this reason; may be given again."),
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Have the next run read them again; lists nothing.")
    ] = False,
    null: Null = False,
    form: Form = Format.CSV,
    debug: Debug = False,
) -> None:
    """List the files that were rejected, with reasons and paths.

    For people who may read the raw zone: paths can identify a patient. Files
    that are ignored on purpose are listed if their reason is asked for
    (dicomdir). Counts go to standard error.

    With --retry the next run reads them again, without waiting for them to
    change: after an upgrade, say, or once a disk is mended.

    Exit code: 0 found, 1 none, 2 a setting cannot be used.
    """
    with user_errors(debug, stderr=True) as console:
        pipeline = Pipeline(load_settings())
        reasons = frozenset(reason or ())
        if retry:
            with pipeline.lock(waiting=console.print):
                count = retry_rejected(pipeline.partitions, reasons)
            console.print(f"{count} files are pending again; next: dicom-pipeline run")
        else:
            pipeline.refresh_raw()
            found = rejected_files(pipeline.partitions, reasons)
            count = len(found)
            paths = list(resolve_paths(pipeline.settings.landing, (file.path for file in found)))
            rows = ((f.outcome, f.reason, path) for f, path in zip(found, paths, strict=True))
            torn = write_list(paths, ("outcome", "reason", "path"), rows, form, null=null)
            console.print(f"{count} files")
            _tell_torn(console, torn)
        if not count:
            raise typer.Exit(EXIT_FAILED)


def report(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to; an HTML file.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Write one HTML file about the archive, to be opened in a browser.

    What is there, what became of the files, what is missing or in conflict.
    Counts only, no network needed. It has the true months of studies, in groups
    of 11 or more, so it lies in the warehouse directory unless --output says
    otherwise, and is readable for its owner only.

    Exit code: 0 done, 1 nothing is published yet, 2 a setting cannot be used.
    """
    with user_errors(debug) as console:
        from dicom_pipeline.reporting.html_report import (
            write_report,  # brings the library that draws
        )

        pipeline = Pipeline(load_settings())
        _need_published(pipeline, console)
        pipeline.refresh_raw()
        target = (output or pipeline.report_file).absolute()
        if target.is_dir() or not target.parent.is_dir():
            raise typer.BadParameter("not a file in a folder that exists", param_hint="--output")
        with console.status("counting and drawing"):
            write_report(pipeline, target)
        console.print(f"report: {target}", soft_wrap=True, markup=False, highlight=False)


def _need_published(pipeline: Pipeline, console: Console) -> None:
    if not pipeline.settings.database.exists():
        console.print("nothing is published yet: dicom-pipeline run")
        raise typer.Exit(EXIT_FAILED)


def _query(query: str | None, query_file: Path | None) -> str:
    if (query is None) == (query_file is None):
        raise QueryError("give the SQL by --query or by --query-file")
    if query is not None:
        return query
    assert query_file is not None
    try:
        return sys.stdin.read() if str(query_file) == "-" else query_file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise QueryError("the file with the SQL cannot be read as text") from None


def _tell_torn(console: Console, torn: int) -> None:
    if torn:
        console.print(f"{torn} paths hold a line break: --null keeps them whole")
