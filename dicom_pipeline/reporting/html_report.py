"""HTML report about the archive: one file that needs no network.

Belongs here: the choice, order and wording of the counts, and rendering of the page.
Does not belong here: counting (archive_stats, studies_by_month), suppression of small counts
(disclosure_control), drawing (charts), layout and style (resources/archive_report.html.jinja).

The report is for operators: its timeline shows true study months, which the published tables do
not have. Groups of fewer than 11 studies are merged there. All other counts come from the
published tables. Small counts of equivalence classes are shown: they give the number of patients
with a rare combination of values, and no value, and every reader of the tables can count them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup, escape

from dicom_pipeline.common.private_files import write_atomic
from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.mapping.defined_terms import defined_terms
from dicom_pipeline.reporting import charts
from dicom_pipeline.reporting.archive_stats import ArchiveStats, Share, archive_stats, top_counts
from dicom_pipeline.reporting.disclosure_control import MIN_CELL_SIZE, Span, by_name, suppress
from dicom_pipeline.reporting.studies_by_month import studies_by_month

_PAGE = Path(__file__).with_name("html_report.html.jinja")
_MAX_MODALITIES = 9  # columns of the table of missing attributes
Cell = str | int


@dataclass(frozen=True)
class Chart:
    """A chart, and its values as a table."""

    svg: Markup
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    wide: bool = False


@dataclass(frozen=True)
class Listed:
    """A table with a title."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    text: str = ""


@dataclass(frozen=True)
class HeatCell:
    """Cell of the table of missing attributes."""

    filled: int
    rows: int
    text: str
    color: str


@dataclass(frozen=True)
class HeatRow:
    """Row of the table of missing attributes: an attribute and its cell for each modality."""

    name: str
    cells: Sequence[HeatCell | None]


@dataclass(frozen=True)
class Heatmap:
    """Table of missing attributes: share of rows with a value, by attribute and modality."""

    head: Sequence[str]
    rows: Sequence[HeatRow]


@dataclass(frozen=True)
class Section:
    """Section of the page."""

    name: str
    title: str
    text: str = ""
    charts: Collection[Chart] = ()
    tables: Collection[Listed] = ()
    heat: Heatmap | None = None


@dataclass(frozen=True)
class Tile:
    """Number at the top of the page."""

    name: str
    count: int
    warn: bool = field(default=False)


def write_report(ingest: Ingest, target: Path) -> int:
    """Write the report, readable by its owner only, and return its size in bytes.

    No lock is needed: the published file is opened read-only, and a few columns of the raw zone
    are read.

    Parameters
    ----------
    ingest
        Settings and raw zone.
    target
        Path of the report; it is replaced atomically.

    Raises
    ------
    FileNotFoundError
        Nothing is published yet.
    MissingExtraError
        The packages that draw charts are not installed.
    """
    if not ingest.settings.database.exists():
        raise FileNotFoundError("nothing is published yet")
    charts.require_drawing("the report has charts")
    months = studies_by_month(ingest.partitions.raw, defined_terms("Modality"))
    page = render(archive_stats(ingest.settings.database), suppress(months)).encode()
    write_atomic(target, page)
    return len(page)


def render(stats: ArchiveStats, timeline: Sequence[Span]) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    stats
        Counts of the published tables.
    timeline
        Studies by month and modality, after suppression of small counts.
    """
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["marked"] = _code_markup
    page = environment.from_string(_PAGE.read_text(encoding="utf-8"))
    return page.render(
        published_at=stats.run["run", "published_at"].replace("T", " ").replace("+00:00", " UTC"),
        profile=stats.run["run", "profile"],
        tiles=_tiles(stats),
        sections=[
            _contents(stats),
            _patients(stats),
            _uniqueness(stats),
            _timeline(timeline),
            _files(stats),
            _conflicts(stats),
            _missing(stats),
            _geometry(stats),
            _mapping_coverage(stats),
        ],
        versions=[
            (name.replace("_", "-"), version)
            for (topic, name), version in stats.run.items()
            if topic == "version"
        ],
    )


def _code_markup(text: str) -> Markup:
    """Escape text for HTML; text between backticks becomes ``<code>``."""
    forms = ("{}", "<code>{}</code>")
    parts = (forms[n % 2].format(escape(part)) for n, part in enumerate(text.split("`")))
    return Markup("".join(parts))  # noqa: S704 - all parts are escaped


def _file_counts(stats: ArchiveStats) -> dict[str, int]:
    return {name: int(v) for (topic, name), v in stats.run.items() if topic == "files"}


def _tiles(stats: ArchiveStats) -> list[Tile]:
    files = _file_counts(stats)
    order = ("patients", "studies", "series", "images", "devices")
    tiles = [Tile(name, stats.totals[name]) for name in order]
    tiles.append(Tile("files found", files.get("found", 0)))
    rejected = files.get("rejected", 0)
    return [*tiles, Tile("files rejected", rejected, warn=rejected > 0)]


def _bars(title: str, unit: str, counts: Mapping[str, int], *, ordered: bool = True) -> list[Chart]:
    if not counts:
        return []
    svg = charts.flat_bars(title, counts, svg=True, ordered=ordered)
    return [Chart(_inline(svg), ["", unit], [*counts.items()])]


def _inline(svg: bytes) -> Markup:
    """Return an SVG file as an HTML element, without XML declaration and document type."""
    text = svg.decode()
    return Markup(text[text.index("<svg") :])  # noqa: S704 - matplotlib escapes all text


def _contents(stats: ArchiveStats) -> Section:
    series = top_counts({name: count for name, _, _, count, _ in stats.modalities})
    head = ["modality", "patients", "studies", "series", "images"]
    listed = [Listed("By modality", head, stats.modalities)] if stats.modalities else []
    return Section(
        "contents",
        "Contents",
        charts=[
            *_bars("Series by modality", "series", series),
            *_bars("Series by body part", "series", stats.body_parts),
            *_bars("Devices by manufacturer", "devices", stats.manufacturers),
        ],
        tables=listed,
    )


def _patients(stats: ArchiveStats) -> Section:
    return Section(
        "people",
        "Patients",
        charts=[
            *_bars("Patients by age at their first study", "patients", stats.ages, ordered=False),
            *_bars("Patients by sex", "patients", stats.sexes),
            *_bars(
                "Patients by number of studies",
                "patients",
                stats.studies_per_patient,
                ordered=False,
            ),
        ],
    )


def _uniqueness(stats: ArchiveStats) -> Section:
    if not stats.class_sizes:
        return Section("uniqueness", "Uniqueness", "The published file has no table `uniqueness`.")
    sizes = [
        (
            _size_range(size.smallest, size.largest),
            size.classes,
            size.patients,
            "" if size.fraction is None else f"{100 * size.fraction:.1f} %",
        )
        for size in stats.class_sizes
    ]
    columns = [
        (one.table, one.column, one.unique_alone, one.made_unique)
        for one in stats.quasi_identifiers
    ]
    return Section(
        "uniqueness",
        "Uniqueness",
        "Patients with equal values in all columns of the seed `quasi_identifiers.csv` are one "
        "class. A patient in a class of 1 can be singled out by somebody who knows these values. "
        "Counts compare patients of this archive only; they are no guarantee of anonymity.",
        tables=[
            Listed(
                "Classes by all columns together",
                ["patients in the class", "classes", "patients", "of all patients"],
                sizes,
            ),
            Listed(
                "What each column adds",
                ["table", "column", "unique by it alone", "unique only with it"],
                columns,
                "Unique only with it: patients that are unique by all columns together, but not "
                "if this column is left out.",
            ),
        ],
    )


def _size_range(smallest: int, largest: int | None) -> str:
    if largest is None:
        return f"{smallest} or more"
    return str(smallest) if smallest == largest else f"{smallest} to {largest}"


def _timeline(timeline: Sequence[Span]) -> Section:
    title = "Studies over time"
    if not timeline:
        return Section("time", title, f"Fewer than {MIN_CELL_SIZE} studies: not shown.")
    labels, parts = [span.label for span in timeline], by_name(timeline)
    svg = charts.stacked_bars("Studies per month by modality", labels, parts, svg=True)
    rows: list[tuple[Cell, ...]] = list(zip(labels, *parts.values(), strict=True))
    return Section(
        "time",
        title,
        "True months of the studies. The published tables have shifted dates instead. Groups of "
        f"fewer than {MIN_CELL_SIZE} studies are merged with following months or into `other`.",
        charts=[Chart(_inline(svg), ["months", *parts], rows, wide=True)],
    )


def _files(stats: ArchiveStats) -> Section:
    files = _file_counts(stats)
    reasons = {name: count for name, count in files.items() if ": " in name}
    outcomes = {name: files.get(name, 0) for name in ("loaded", "duplicate", "rejected", "ignored")}
    outcomes |= {"pending": files["pending"]} if files.get("pending") else {}
    return Section(
        "files",
        "File outcomes",
        "`dicom-pipeline rejects` lists the rejected files, for people who may see their paths."
        if files.get("rejected")
        else "",
        charts=[
            *_bars("Files of the landing zone", "files", outcomes, ordered=False),
            *_bars("Files without a row, by reason", "files", reasons),
        ],
    )


def _conflicts(stats: ArchiveStats) -> Section:
    found = {name: count for name, count in stats.conflicts.items() if count}
    if not found:
        return Section("conflicts", "Conflicts", "No files have conflicting values.")
    rows = [(name, stats.totals[name], count) for name, count in found.items()]
    tables = [Listed("Rows with conflicting values", ["", "rows", "with a conflict"], rows)]
    if stats.conflicting_columns:
        tables.append(Listed("By column", ["", "column", "rows"], stats.conflicting_columns))
    return Section(
        "conflicts",
        "Conflicts",
        "Files of one patient, study, series or device with different values of an attribute that "
        "should be constant. The tables keep the most frequent value; `conflicting_attributes` "
        "names the columns.",
        tables=tables,
    )


def _missing(stats: ArchiveStats) -> Section:
    modalities = [name for name, *_ in stats.modalities][:_MAX_MODALITIES]
    rows = [
        HeatRow(column, [_heat_cell(shares.get(name)) for name in modalities])
        for column, shares in stats.missing.items()
    ]
    return Section(
        "missing",
        "Missing attributes by modality",
        "Share of rows with a value. Whether an attribute is required depends on the modality.",
        heat=Heatmap(modalities, rows) if rows and modalities else None,
    )


def _heat_cell(share: Share | None) -> HeatCell | None:
    if share is None or not share.rows:
        return None
    # 100 % means all rows and 0 % means no row: other shares are rounded to 1 to 99 %
    percent = min(max(round(share.percent), 1 if share.filled else 0), 100)
    if percent == 100 and share.filled < share.rows:
        percent = 99
    color = f"hsl(205 70% {96 - 0.26 * percent:.0f}%)"
    return HeatCell(share.filled, share.rows, f"{percent} %", color)


def _geometry(stats: ArchiveStats) -> Section:
    if not stats.geometry:
        return Section("geometry", "Slices", "No series has slices with positions.")
    head = [
        "modality", "series with slices", "regular volumes", "with gaps", "slices missing",
        "several orientations",
    ]  # fmt: skip
    rows = [
        (g.modality, g.series, g.regular, g.with_gaps, g.missing_slices, g.several_orientations)
        for g in stats.geometry
    ]
    return Section(
        "geometry",
        "Slices",
        "From the positions and orientations of the images; `series_geometry` lists each series.",
        tables=[Listed("Series by modality", head, rows)],
    )


def _mapping_coverage(stats: ArchiveStats) -> Section:
    filled = stats.mapped - len(stats.never_filled)
    empty: dict[str, list[str]] = {}
    for table, column in stats.never_filled:
        empty.setdefault(table, []).append(column)
    tables = [Listed("De-identification of columns", ["", "columns"], [*stats.treatment.items()])]
    if empty:
        rows = [(table, ", ".join(columns)) for table, columns in empty.items()]
        tables.append(Listed("Columns without any value", ["table", "columns"], rows))
    return Section(
        "mapping",
        "Coverage of the mapping",
        f"{filled} of {stats.mapped} published columns that hold a DICOM attribute and are not "
        "removed have a value in this archive.",
        tables=tables,
    )
