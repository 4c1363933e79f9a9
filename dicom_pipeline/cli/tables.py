"""Terminal output: file outcomes, published tables, status, warnings, removed words.

Belongs here: layout of terminal output; counts and table names, never a value of a patient.
Does not belong here: determining the counts (operations, extract, warehouse).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dicom_pipeline.common.escaping import escape_control_chars
from dicom_pipeline.config.settings import Profile
from dicom_pipeline.extract.reconciliation import FileCounts
from dicom_pipeline.mapping.attribute_mapping import AttributeMapping
from dicom_pipeline.warehouse.duckdb.row_counts import row_counts
from dicom_pipeline.warehouse.leak_check.report import RemovedCells
from dicom_pipeline.warehouse.removed_words import RemovedWord

if TYPE_CHECKING:
    from dicom_pipeline.operations.status import Status

SHOWN_WORDS = 50

QUERIES = (
    "select modality, count(*) as series, sum(image_count)::bigint as images\n"
    "from processed.processed_series group by all order by images desc;",
    "select study_number, days_since_previous_study, modalities, image_count, patient_age\n"
    "from processed.processed_studies where patient_key in\n"
    "  (select patient_key from processed.processed_patients where study_count > 1)\n"
    "order by patient_key, study_number;",
    "select s.modality, s.body_part_examined, i.pixel_spacing, count(*) as images\n"
    "from processed.processed_images as i join processed.processed_series as s using (series_key)\n"
    "where i.pixel_spacing is not null group by all order by images desc;",
)


def print_file_counts(console: Console, counts: FileCounts, *, keeps: bool) -> None:
    """Print the outcomes of the files of the landing zone."""
    table = Table(show_header=True, header_style="bold", box=None, pad_edge=False)
    table.add_column("files")
    table.add_column("", justify="right")
    table.add_row("found", str(counts.discovered))
    table.add_row("loaded", str(counts.loaded))
    table.add_row("duplicate", str(counts.duplicate))
    for title, reasons in (("rejected", counts.rejected), ("ignored", counts.ignored)):
        table.add_row(title, str(reasons.total()))
        for reason, count in sorted(reasons.items()):
            table.add_row(f"  [dim]{reason}[/dim]", f"[dim]{count}[/dim]")
    table.add_row("pending", str(counts.pending))
    if counts.missing:
        rows = "their rows are kept" if keeps else "the next run removes their rows"
        table.add_row(f"missing: {rows}", str(counts.missing))
    if counts.lost or counts.duplicate_rows:
        table.add_row("[red]lost[/red]", f"[red]{counts.lost}[/red]")
        table.add_row("[red]counted twice[/red]", f"[red]{counts.duplicate_rows}[/red]")
    console.print(table)


def print_tables(console: Console, database: Path, *, loaded: int, profile: str) -> None:
    """Print the published tables with their number of rows."""
    table = Table(show_header=True, header_style="bold", box=None, pad_edge=False)
    table.add_column("table")
    table.add_column("rows", justify="right")
    counts = row_counts(database)
    for name, rows in counts.items():
        table.add_row(name, str(rows))
    console.print(table)
    images = counts.get("processed.processed_images", loaded)
    if images < loaded:
        console.print(
            f"[dim]{loaded - images} loaded files are other versions of an image: see the column "
            "instance_versions[/dim]"
        )
    console.print(f"de-identified with profile [bold]{profile}[/bold]")
    console.print(f"\ndatabase: [bold]{database}[/bold]")


def print_accepted_risks(console: Console, mapping: AttributeMapping, profile: Profile) -> None:
    """Print a warning for each column that keeps what the profile protects."""
    for line in mapping.accepted_risks(profile):
        console.print(
            f"[yellow]accepted risk:[/yellow] {line.table}.{line.column} keeps "
            f"{escape(line.attribute)} by {getattr(line, profile.value)}: "
            f"{escape(escape_control_chars(line.accepted_risk))}"
        )


def print_removed_cells(console: Console, removed: Sequence[RemovedCells]) -> None:
    """Print a warning for each column from which the leak check removed cells."""
    for cells in removed:
        console.print(f"[yellow]warning:[/yellow] {cells}")


def print_queries(console: Console) -> None:
    """Print example queries."""
    console.print("\nTry in DBeaver, Harlequin or DuckDB:")
    for query in QUERIES:
        console.print(f"\n[cyan]{query}[/cyan]")


def print_status(console: Console, found: Status, *, database: Path) -> None:
    """Print what is published, outdated and failed, and what to do next."""
    if found.published is None:
        console.print("published: nothing yet")
    else:
        when = f" at {found.published.published_at}" if found.published.published_at else ""
        console.print(f"published: {escape(str(database))}{when}")
    for line in found.stale:
        console.print(f"[yellow]stale:[/yellow] {line}")
    for run in found.failed:
        where = f" in {', '.join(run.steps)}" if run.steps else ""
        console.print(
            f"[red]failed:[/red] {run.job}{where}, {run.ended_at}, run {run.run_id[:8]}, "
            f"started by {run.trigger}"
        )
        for check in run.checks:
            console.print(f"  check {escape(check)}")
        for line in run.lines:
            console.print(f"  {escape(line)}")
    for line in found.problems:
        console.print(f"[red]problem:[/red] {escape(line)}")
    for line in found.stopped:
        console.print(f"[yellow]stopped:[/yellow] {line}")
    console.print(f"alerts: {found.alerts}")
    console.print(f"next: {found.next_step}" if found.next_step else "nothing to do")


def print_words(console: Console, words: Sequence[RemovedWord]) -> None:
    """Print the removed words of the most patients; `SHOWN_WORDS` at most."""
    table = Table("word", box=None)
    for name in ("texts", "rows", "patients"):
        table.add_column(name, justify="right")
    for word in words[:SHOWN_WORDS]:
        counts = map(str, (word.texts, word.rows, word.patients))
        table.add_row(escape(escape_control_chars(word.word)), *counts)
    console.print(table)
