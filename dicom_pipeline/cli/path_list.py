"""Lists of files on standard output: for other programs, so nothing else is written there.

Belongs here: one path a line, paths that end in NUL, and CSV.
Does not belong here: which files (locate, extract.rejected), and anything on standard error.
"""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import StrEnum

from rich.console import Console

from dicom_pipeline.common.escaping import cell, escape_control_chars


class Format(StrEnum):
    """How a list is written."""

    PATHS = "paths"
    CSV = "csv"


def write_list(
    paths: Sequence[str],
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    form: Format,
    *,
    null: bool,
) -> int:
    """Write a list of files; names are written byte for byte as the file system has them.

    On a terminal, which would obey what stands in a name, escapes are shown instead. In CSV every
    cell is quoted, and what a spreadsheet would take for a formula begins with an apostrophe: never
    a path, since those are absolute.

    Parameters
    ----------
    paths
        Full paths or URIs.
    columns, rows
        Header and lines of CSV.
    form
        Whether paths are written, or the rows as CSV.
    null
        End each path with NUL, which no name can hold, instead of a line break.

    Returns
    -------
    int
        Number of paths that a reader of lines would take for several.
    """
    out = io.TextIOWrapper(sys.stdout.buffer, "utf-8", "surrogateescape", newline="")
    shown = escape_control_chars if sys.stdout.isatty() else str
    end = "\0" if null else "\n"
    try:
        if form is Format.CSV:
            writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
            writer.writerow(columns)
            for row in rows:
                writer.writerow([shown(str(cell("" if value is None else value))) for value in row])
        else:
            out.writelines(f"{shown(path)}{end}" for path in paths)
        out.flush()
    except BrokenPipeError:  # who reads has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        with suppress(BrokenPipeError):
            out.detach()
    return 0 if null or form is Format.CSV else sum("\n" in path for path in paths)


def warn_of_line_breaks(console: Console, paths: int) -> None:
    """Warn that some paths contain a line break, which `write_list` counted."""
    if paths:
        console.print(f"{paths} paths contain a line break: use --null")
