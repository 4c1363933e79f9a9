"""The report: one HTML file that says what is in the archive, readable without a network.

Belongs here: which counts are shown, in what order and words, and putting them on the page.
Does not belong here: counting (warehouse.archive_facts, extract.studies), merging small cells
(small_cells), drawing (pictures), the page's looks (resources/archive_report.html.jinja).

For operators: its timeline has true months, which the published tables have not, so groups under
11 studies are merged there. All else is counted on the published tables.
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
from dicom_pipeline.reporting import charts as pictures
from dicom_pipeline.reporting.archive_stats import ArchiveFacts, Share, archive_facts, shortened
from dicom_pipeline.reporting.disclosure_control import LEAST, Span, by_name, merged
from dicom_pipeline.reporting.studies_by_month import studies_by_month

_PAGE = Path(__file__).with_name("html_report.html.jinja")
_COLUMNS = 9  # modalities of the table of missing attributes
Cell = str | int


@dataclass(frozen=True)
class Chart:
    """A picture, and the same as a table."""

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
class Warmth:
    """A cell of the table of missing attributes."""

    filled: int
    rows: int
    text: str
    color: str


@dataclass(frozen=True)
class HeatRow:
    """An attribute, and its cell for each modality."""

    name: str
    cells: Sequence[Warmth | None]


@dataclass(frozen=True)
class Heatmap:
    """Shares by attribute and modality."""

    head: Sequence[str]
    rows: Sequence[HeatRow]


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    name: str
    title: str
    text: str = ""
    charts: Collection[Chart] = ()
    tables: Collection[Listed] = ()
    heat: Heatmap | None = None


@dataclass(frozen=True)
class Tile:
    """A number above everything."""

    name: str
    count: int
    warn: bool = field(default=False)


def write_report(ingest: Ingest, target: Path) -> int:
    """Write the report, for its owner only. Returns its size in bytes.

    Nothing is locked: the published file is opened read-only, and of the raw zone a few columns
    are read.

    Parameters
    ----------
    ingest
        Where the zones are.
    target
        The file, which is replaced as a whole.

    Raises
    ------
    FileNotFoundError
        Nothing is published yet.
    MissingExtraError
        The packages that draw charts are not installed.
    """
    if not ingest.settings.database.exists():
        raise FileNotFoundError("nothing is published yet")
    pictures.require_drawing("the report has charts")
    months = studies_by_month(ingest.partitions.raw, defined_terms("Modality"))
    page = render(archive_facts(ingest.settings.database), merged(months)).encode()
    write_atomic(target, page)
    return len(page)


def render(facts: ArchiveFacts, timeline: Sequence[Span]) -> str:
    """The page as text.

    Parameters
    ----------
    facts
        Counts of the published tables.
    timeline
        Studies by month and modality, small cells merged.
    """
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["marked"] = _marked
    page = environment.from_string(_PAGE.read_text(encoding="utf-8"))
    return page.render(
        published_at=facts.run["run", "published_at"].replace("T", " ").replace("+00:00", " UTC"),
        profile=facts.run["run", "profile"],
        tiles=_tiles(facts),
        sections=[
            _holdings(facts),
            _people(facts),
            _time(timeline),
            _files(facts),
            _quality(facts),
            _missing(facts),
            _geometry(facts),
            _mapping(facts),
        ],
        versions=[
            (name.replace("_", "-"), version)
            for (topic, name), version in facts.run.items()
            if topic == "version"
        ],
    )


def _marked(text: str) -> Markup:
    """Text in which `backticks` are code."""
    forms = ("{}", "<code>{}</code>")
    parts = (forms[n % 2].format(escape(part)) for n, part in enumerate(text.split("`")))
    return Markup("".join(parts))  # noqa: S704 - all parts are escaped


def _of_files(facts: ArchiveFacts) -> dict[str, int]:
    return {name: int(v) for (topic, name), v in facts.run.items() if topic == "files"}


def _tiles(facts: ArchiveFacts) -> list[Tile]:
    files = _of_files(facts)
    order = ("patients", "studies", "series", "images", "devices")
    tiles = [Tile(name, facts.totals[name]) for name in order]
    tiles.append(Tile("files found", files.get("found", 0)))
    rejected = files.get("rejected", 0)
    return [*tiles, Tile("files rejected", rejected, warn=rejected > 0)]


def _bars(title: str, unit: str, counts: Mapping[str, int], *, ordered: bool = True) -> list[Chart]:
    if not counts:
        return []
    drawn = pictures.flat_bars(title, counts, svg=True, ordered=ordered)
    return [Chart(_inline(drawn), ["", unit], [*counts.items()])]


def _inline(svg: bytes) -> Markup:
    """A drawing as a part of the page: without the lines that make it a file of its own."""
    text = svg.decode()
    return Markup(text[text.index("<svg") :])  # noqa: S704 - matplotlib escapes what it is given


def _holdings(facts: ArchiveFacts) -> Section:
    series = shortened({name: count for name, _, _, count, _ in facts.modalities})
    head = ["modality", "patients", "studies", "series", "images"]
    listed = [Listed("By modality", head, facts.modalities)] if facts.modalities else []
    return Section(
        "holdings",
        "What is there",
        charts=[
            *_bars("Series by modality", "series", series),
            *_bars("Series by body part", "series", facts.body_parts),
            *_bars("Devices by manufacturer", "devices", facts.manufacturers),
        ],
        tables=listed,
    )


def _people(facts: ArchiveFacts) -> Section:
    return Section(
        "people",
        "Patients",
        charts=[
            *_bars("Patients by age at their first study", "patients", facts.ages, ordered=False),
            *_bars("Patients by sex", "patients", facts.sexes),
            *_bars(
                "Patients by number of studies",
                "patients",
                facts.studies_per_patient,
                ordered=False,
            ),
        ],
    )


def _time(timeline: Sequence[Span]) -> Section:
    title = "Studies over time"
    if not timeline:
        return Section("time", title, f"Fewer than {LEAST} studies: not shown.")
    labels, parts = [span.label for span in timeline], by_name(timeline)
    drawn = pictures.stacked_bars("Studies a month by modality", labels, parts, svg=True)
    rows: list[tuple[Cell, ...]] = list(zip(labels, *parts.values(), strict=True))
    return Section(
        "time",
        title,
        "The true months of the studies, which the published tables do not have: dates are shifted "
        f"there. Groups of fewer than {LEAST} are merged, into months that follow or into other.",
        charts=[Chart(_inline(drawn), ["months", *parts], rows, wide=True)],
    )


def _files(facts: ArchiveFacts) -> Section:
    files = _of_files(facts)
    reasons = {name: count for name, count in files.items() if ": " in name}
    became = {name: files.get(name, 0) for name in ("loaded", "duplicate", "rejected", "ignored")}
    became |= {"pending": files["pending"]} if files.get("pending") else {}
    return Section(
        "files",
        "What became of the files",
        "`dicom-pipeline rejects` lists the rejected ones, for people who may see their paths."
        if files.get("rejected")
        else "",
        charts=[
            *_bars("Files of the landing zone", "files", became, ordered=False),
            *_bars("Files that gave no row, by reason", "files", reasons),
        ],
    )


def _quality(facts: ArchiveFacts) -> Section:
    found = {name: count for name, count in facts.conflicts.items() if count}
    if not found:
        return Section("conflicts", "Conflicts", "No files disagree about what they share.")
    rows = [(name, facts.totals[name], count) for name, count in found.items()]
    tables = [Listed("Rows whose files disagree", ["", "rows", "with a conflict"], rows)]
    if facts.conflicting_columns:
        tables.append(Listed("About what", ["", "column", "rows"], facts.conflicting_columns))
    return Section(
        "conflicts",
        "Conflicts",
        "Files of one patient, study, series or device that give different values for what should "
        "be one. The tables keep the most frequent; `conflicting_attributes` names the columns.",
        tables=tables,
    )


def _missing(facts: ArchiveFacts) -> Section:
    modalities = [name for name, *_ in facts.modalities][:_COLUMNS]
    rows = [
        HeatRow(column, [_warmth(shares.get(name)) for name in modalities])
        for column, shares in facts.missing.items()
    ]
    return Section(
        "missing",
        "Missing attributes by modality",
        "Share of rows that have a value. Whether one should be there depends on the modality.",
        heat=Heatmap(modalities, rows) if rows and modalities else None,
    )


def _warmth(share: Share | None) -> Warmth | None:
    if share is None or not share.rows:
        return None
    # only all is 100 %, and only nothing is 0 %
    percent = min(max(round(share.percent), 1 if share.filled else 0), 100)
    if percent == 100 and share.filled < share.rows:
        percent = 99
    color = f"hsl(205 70% {96 - 0.26 * percent:.0f}%)"
    return Warmth(share.filled, share.rows, f"{percent} %", color)


def _geometry(facts: ArchiveFacts) -> Section:
    if not facts.geometry:
        return Section("geometry", "Slices", "No series has slices with positions.")
    head = [
        "modality", "series with slices", "regular volumes", "with gaps", "slices missing",
        "several orientations",
    ]  # fmt: skip
    rows = [
        (g.modality, g.series, g.regular, g.with_gaps, g.missing_slices, g.several_orientations)
        for g in facts.geometry
    ]
    return Section(
        "geometry",
        "Slices",
        "By the positions and orientations of the images; `series_geometry` has each series.",
        tables=[Listed("Series by modality", head, rows)],
    )


def _mapping(facts: ArchiveFacts) -> Section:
    filled = facts.mapped - len(facts.never_filled)
    empty: dict[str, list[str]] = {}
    for table, column in facts.never_filled:
        empty.setdefault(table, []).append(column)
    tables = [Listed("What is done to the columns", ["", "columns"], [*facts.treatment.items()])]
    if empty:
        rows = [(table, ", ".join(columns)) for table, columns in empty.items()]
        tables.append(Listed("Columns without any value", ["table", "columns"], rows))
    return Section(
        "mapping",
        "Coverage of the mapping",
        f"Of {facts.mapped} published columns that stand for a DICOM attribute and are not "
        f"removed, {filled} have a value somewhere in this archive.",
        tables=tables,
    )
