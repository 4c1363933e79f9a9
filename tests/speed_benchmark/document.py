"""`docs/benchmarks.md` from what was measured.

Belongs here: the form of tables, and the targets.
Does not belong here: measuring, and medians (measures).
"""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import fill
from typing import Any

from . import raw, readers

Results = dict[str, Any]
SECTIONS = ("reader", "raw", "pipeline", "latency")
# name, what must hold, and whether at least or at most
TARGETS = {
    "header": ("header reading, the same values, against pydicom", 18.0, "least", " ×"),
    "raw": ("raw step against the user's loop in a pool of the same size", 12.0, "least", " ×"),
    "marginal": ("whole pipeline, a further file from 10,000 to 100,000", 0.25, "most", " ms"),
    "nothing": ("a run with nothing to do, whatever the size", 15.0, "most", " s"),
    "latency": ("from a file's arrival to its published row", 60.0, "most", " s"),
}
_HEAD = (
    "Written by `make bench`; not to be edited. Files are made up by `tests/speed_benchmark`, the "
    "same for the same seed ({seed}), and nobody in them exists. What is compared reads the same "
    "files in the same order, in processes of its own, with a warm page cache, in interleaved "
    "rounds. A ratio says how many times the time of ours the other one needs: the median of all "
    "rounds, with the least and the most in brackets."
)
_WIDTH = 118


def document(results: Results) -> str:
    """The whole page."""
    head = "# Benchmarks\n\n" + _prose(_HEAD.format(seed=results.get("seed", "")))
    parts = [head, _targets(results), _machine(results)]
    for name, section in (
        ("reader", _reader), ("raw", _raw), ("pipeline", _pipeline), ("latency", _latency),
    ):  # fmt: skip
        if name in results:
            parts.append(section(results[name]))
    return "\n".join(parts)


def _prose(text: str) -> str:
    return fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False) + "\n"


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table; all columns but the first are numbers."""
    head = list(head)
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join(lines) + "\n"


def ratio_text(ratio: dict[str, float]) -> str:
    """Median, least and most."""
    return f"{ratio['median']:.2f} ({ratio['least']:.2f} to {ratio['most']:.2f})"


def measured(results: Results) -> dict[str, float]:
    """What is held against the targets, as far as it was measured."""
    found: dict[str, float] = {}
    if "reader" in results:
        rows = {row["reader"]: row for row in results["reader"]["corpora"][0]["rows"]}
        found["header"] = rows[readers.PYDICOM]["ratio"]["median"]
    if "raw" in results:
        rows = {row["program"]: row for row in results["raw"]["rows"]}
        found["raw"] = rows[raw.POOL]["ratio"]["median"]
    if "pipeline" in results:
        runs, marginal = results["pipeline"]["runs"], results["pipeline"]["marginal"]
        found["nothing"] = max(run["steps"]["0 new"]["wall"] for run in runs)
        for each in marginal:
            if (each["from"], each["to"]) == (10_000, 100_000):
                found["marginal"] = each["milliseconds"]
    if "latency" in results:
        found["latency"] = max(results["latency"]["seconds"])
    return found


def _targets(results: Results) -> str:
    found = measured(results)
    rows = []
    for name, (what, limit, side, unit) in TARGETS.items():
        if name not in found:
            rows.append((what, f"at {side} {limit:g}{unit}", "not measured", "-"))
            continue
        reached = found[name] >= limit if side == "least" else found[name] <= limit
        verdict = "reached" if reached else "**missed**"
        rows.append((what, f"at {side} {limit:g}{unit}", f"{found[name]:.2f}{unit}", verdict))
    return "## Targets\n\n" + table(("what", "target", "measured", ""), rows)


def _machine(results: Results) -> str:
    about = results["machine"] | results.get("reader", {}).get("versions", {})
    return "## Machine and versions\n\n" + table(("", ""), about.items())


def _when(section: Results) -> str:
    return f"{section['date']}, load average before it {section['load']}."


def _reader(section: Results) -> str:
    wanted = len(readers.attribute_paths())
    parts = [
        "## Header reading\n",
        _prose(
            f"{_when(section)} Rounds: {section['rounds']}. CPU time of one process, imports left "
            f"out. Each delivers the texts of the {wanted} attributes that the mapping names, each "
            "once; of sequences, pydicom and ours give JSON. A value counts as different when it "
            "is not the text that pydicom gives, but for padding; binary numbers are compared as "
            "numbers, sequences by their number of items."
        ),
    ]
    for corpus in section["corpora"]:
        parts += [f"### {corpus['kind'].capitalize()} headers\n", _about(corpus), _rows(corpus)]
        parts.append(_own("Read by", corpus["readers"], corpus["files"]))
    if "wheel" in section:
        wheel = section["wheel"]
        parts += [
            "### The files that ship with pydicom\n",
            f"{wheel['files']} files, the awkward ones among them; values differ from those of "
            f"`PydicomReader` in {wheel['differ']}.\n",
            _own("Read by", wheel["readers"], wheel["files"]),
        ]
    missing = [name for name, version in section["versions"].items() if version == "not installed"]
    if missing:
        parts.append(f"Not installed: {', '.join(missing)}.\n")
    return "\n".join(parts)


def _about(corpus: Results) -> str:
    headers = corpus["headers"]

    def span(what: str) -> str:
        numbers = [header[what] for header in headers]
        return f"{min(numbers):,} to {max(numbers):,}"

    return _prose(
        f"{corpus['files']:,} files of {span('bytes')} bytes: {span('elements')} elements, "
        f"{span('private')} of them private, and {span('nested')} in sequences."
    )


def _rows(corpus: Results) -> str:
    rows = []
    for row in corpus["rows"]:
        name = row["reader"] + (f": {row['note']}" if row["note"] else "")
        different = "-"
        if "differ" in row:
            different = f"{row['differ']:,}"
            if row["differ"]:
                different += f" ({row['wrong_values']:.1f} values a file)"
        rows.append((
            name, f"{row['microseconds']:.1f}", ratio_text(row["ratio"]),
            f"{row['values']:.1f}" if "values" in row else "-", different,
        ))  # fmt: skip
    head = (
        "reader",
        "µs a file",
        "ratio to ours",
        "values a file",
        "files that differ from pydicom",
    )
    return table(head, rows)


def _own(head: str, counts: dict[str, int], files: int) -> str:
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    rows = [(name, f"{n:,}", f"{100 * n / files:.1f} %") for name, n in ordered]
    return table((head, "files", "share"), rows)


def _raw(section: Results) -> str:
    rows = [
        (
            row["program"], f"{row['wall']:.2f}", f"{row['cpu']:.2f}",
            ratio_text(row["ratio"]), ratio_text(row["cpu_ratio"]),
        )
        for row in section["rows"]
    ]  # fmt: skip
    return "\n".join((
        "## Raw step: from listing to parquet\n",
        _prose(
            f"{_when(section)} Rounds: {section['rounds']}. {section['files']:,} {section['kind']} "
            f"files, {section['workers']} processes. The user's loop is `os.walk`, "
            "`dcmread(stop_before_pixels=True)`, a dictionary of the same attributes, "
            "`DataFrame.from_records`, `to_parquet`; once a table reads every file five times. "
            "Ours writes seven tables with keys and digests, and starts its workers within the "
            f"time; {section['scan']:.2f} s of it are the listing with the manifests."
        ),
        table(("program", "wall, s", "CPU, s", "ratio by wall", "ratio by CPU"), rows),
    ))  # fmt: skip


def _pipeline(section: Results) -> str:
    parts = [
        "## The whole pipeline\n",
        _prose(
            f"{_when(section)} `dicom-pipeline run` with {section['workers']} workers, one run "
            "each. Memory is the largest sum of what all its processes hold, shared pages counted "
            "in each."
        ),
    ]
    rows = []
    for run in section["runs"]:
        for name, step in run["steps"].items():
            rows.append((
                f"{run['files']:,} files, {name}", f"{step['wall']:.1f}", f"{step['cpu']:.1f}",
                f"{step['peak'] / 2**20:,.0f}", f"{step['read']:,}",
            ))  # fmt: skip
    parts.append(table(("run", "wall, s", "CPU, s", "peak memory, MiB", "files read"), rows))
    parts += [
        f"From {each['from']:,} to {each['to']:,} files, a further file costs "
        f"{each['milliseconds']:.3f} ms.\n"
        for each in section["marginal"]
    ]
    parts += [_stages(section["runs"], step) for step in ("first run", "0 new")]
    return "\n".join(parts)


def _stages(runs: list[Results], step: str) -> str:
    """Shares of the stages, a column a size."""
    names = list(dict.fromkeys(name for run in runs for name in run["steps"][step]["stages"]))
    rows = []
    for name in names:
        cells = []
        for run in runs:
            seconds = run["steps"][step]["stages"].get(name, 0.0)
            cells.append(f"{seconds:.1f} s ({100 * seconds / run['steps'][step]['wall']:.0f} %)")
        if any(not cell.startswith("0.0 s") for cell in cells):
            rows.append((f"`{name}`" if "_" in name else name, *cells))
    head = ("stage", *(f"{run['files']:,} files" for run in runs))
    title = "a first run" if step == "first run" else "a run with nothing to do"
    return f"### Stages of {title}\n\n" + table(head, rows)


def _latency(section: Results) -> str:
    rows = [(number, f"{each:.1f}") for number, each in enumerate(section["seconds"], start=1)]
    return "\n".join((
        "## From arrival to the published row\n",
        _prose(
            f"{_when(section)} `dagster dev` with both sensors on and {section['files']:,} files "
            "loaded, all settings as they are by default: the file waits to settle first. The "
            "published file is opened every half second until the row is there."
        ),
        table(("file", "seconds"), rows),
    ))  # fmt: skip
