"""Metadata that a person reads: tables and pictures in Markdown.

Belongs here: putting counts into the forms that the web UI shows.
Does not belong here: counting, and drawing (pictures).
"""

import base64
from collections.abc import Iterable, Mapping, Sequence

import dagster as dg

from dicom_pipeline.common.escaping import markdown as harmless

Cell = str | int | float


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> dg.MarkdownMetadataValue:
    """A table; columns of numbers stand to the right."""
    lines = [list(row) for row in rows]
    marks = [
        "---:" if lines and all(isinstance(line[i], (int, float)) for line in lines) else "---"
        for i in range(len(head))
    ]
    texts = [head, marks, *([_cell(cell) for cell in line] for line in lines)]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(text)} |" for text in texts))


def counts(name: str, what: str, found: Mapping[str, int]) -> dg.MarkdownMetadataValue:
    """A table of names and counts, the greatest first."""
    rows = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return table([name, what], rows)


def picture(png: bytes, text: str) -> dg.MarkdownMetadataValue:
    """A picture, inside the text itself, so that it is there as long as the event is."""
    return dg.MetadataValue.md(f"![{text}](data:image/png;base64,{base64.b64encode(png).decode()})")


def to_do(text: str) -> dict[str, dg.MarkdownMetadataValue]:
    """What a failed check adds to its metadata."""
    return {"what to do": dg.MetadataValue.md(text)}


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return harmless(cell)
    return f"{cell:,}"
