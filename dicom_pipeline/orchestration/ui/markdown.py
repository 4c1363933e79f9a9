"""Metadata in Markdown for the web UI: tables and images.

Belongs here: formatting counts. Does not belong here: counting, drawing (reporting.charts).
"""

import base64
from collections.abc import Iterable, Mapping, Sequence

import dagster as dg

from dicom_pipeline.common.escaping import markdown as escape_markdown

Cell = str | int | float


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> dg.MarkdownMetadataValue:
    """Return a table; columns of numbers are aligned to the right."""
    lines = [list(row) for row in rows]
    alignment = [
        "---:" if lines and all(isinstance(line[i], (int, float)) for line in lines) else "---"
        for i in range(len(head))
    ]
    texts = [head, alignment, *([_cell(cell) for cell in line] for line in lines)]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(text)} |" for text in texts))


def counts(name: str, what: str, found: Mapping[str, int]) -> dg.MarkdownMetadataValue:
    """Return a table of names and counts, largest count first."""
    rows = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return table([name, what], rows)


def image(png: bytes, text: str) -> dg.MarkdownMetadataValue:
    """Return an image as a data URI, so that it is stored with the event.

    Parameters
    ----------
    png
        Content of a PNG file.
    text
        Alternative text.
    """
    return dg.MetadataValue.md(f"![{text}](data:image/png;base64,{base64.b64encode(png).decode()})")


def to_do(text: str) -> dict[str, dg.MarkdownMetadataValue]:
    """Return the metadata entry with instructions for a failed check."""
    return {"what to do": dg.MetadataValue.md(text)}


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return escape_markdown(cell)
    return f"{cell:,}"
