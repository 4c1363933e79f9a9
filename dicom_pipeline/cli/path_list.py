"""Lists of files on standard output, for other programs; nothing else is written there.

Belongs here: the formats: one path per line, paths that end with NUL, and CSV.
Does not belong here: selecting the files (operations.locate, extract.raw_zone.rejected_files),
messages on standard error (console).
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

from dicom_pipeline.common.escaping import csv_safe, escape_control_chars


class Format(StrEnum):
    """Format of a list."""

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
    """Write a list of files; names are written byte for byte as in the file system.

    On a terminal, control characters are escaped, because a file name could contain terminal
    escape sequences. In CSV every cell is quoted (RFC 4180), and a cell that a spreadsheet would
    interpret as a formula begins with an apostrophe. Paths are absolute and thus never affected.

    Parameters
    ----------
    paths
        Full paths or URIs.
    columns, rows
        Header and rows of the CSV.
    form
        Write the paths, or the rows as CSV.
    null
        End each path with NUL, which no file name can contain, instead of a line break.

    Returns
    -------
    int
        Number of paths that contain a line break and are ambiguous in the format that was written.
    """
    out = io.TextIOWrapper(sys.stdout.buffer, "utf-8", "surrogateescape", newline="")
    shown = escape_control_chars if sys.stdout.isatty() else str
    end = "\0" if null else "\n"
    try:
        if form is Format.CSV:
            writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
            writer.writerow(columns)
            for row in rows:
                writer.writerow(
                    [shown(str(csv_safe("" if value is None else value))) for value in row]
                )
        else:
            out.writelines(f"{shown(path)}{end}" for path in paths)
        out.flush()
    except BrokenPipeError:  # the reader closed the pipe early, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        with suppress(BrokenPipeError):
            out.detach()
    return 0 if null or form is Format.CSV else sum("\n" in path for path in paths)


def warn_of_line_breaks(console: Console, paths: int) -> None:
    """Warn that some paths contain a line break, which `write_list` counted."""
    if paths:
        console.print(f"{paths} paths contain a line break: use --null")
