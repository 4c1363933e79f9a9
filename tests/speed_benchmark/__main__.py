"""`make bench`: makes the corpora, measures, writes `docs/benchmarks.md`.

Belongs here: the command line, the order of things, and keeping results of all sections.
Does not belong here: anything that measures or that is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from dicom_pipeline.config.project import PROJECT_DIR

from . import latency, machine, raw, readers, whole_run
from .corpus import corpus
from .document import SECTIONS, document
from .peer_environment import python_of_peers
from .series import KINDS


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    options = _options(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)

    def say(text: str) -> None:
        console.print(f"[dim]{text}[/]", highlight=False)

    options.work.mkdir(parents=True, exist_ok=True)
    kept = options.work / "results.json"
    results: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    if results.get("machine") != machine.describe() or results.get("seed") != options.seed:
        results = {"machine": machine.describe(), "seed": options.seed}
    for section in SECTIONS:
        if section in options.only:
            console.rule(section)
            about = machine.stamp()
            results[section] = about | _MEASURES[section](options, say)
            kept.write_text(json.dumps(results, indent=1))
    text = document(results)
    options.out.write_text(text)
    console.print(Markdown(text))
    console.print(f"written to {options.out}")
    return 0


def _reader(options: argparse.Namespace, say: Any) -> dict[str, Any]:
    python = None if options.no_peers else python_of_peers(options.work)
    peers, versions = readers.available(python)
    scratch = options.work / "scratch"
    corpora = []
    for kind in options.kinds:
        made = corpus(options.work, kind, options.files, options.seed, options.workers)
        say(f"{len(made.names):,} {kind} files")
        corpora.append(readers.measure(made, peers, options.rounds, scratch, say))
    return {
        "rounds": options.rounds,
        "versions": versions,
        "corpora": corpora,
        "wheel": readers.measure_wheel(scratch),
    }


def _raw(options: argparse.Namespace, say: Any) -> dict[str, Any]:
    made = corpus(options.work, KINDS[0], options.raw_files, options.seed, options.workers)
    rounds = options.raw_rounds
    found = raw.measure(made, options.workers, rounds, options.work / "scratch", say)
    return found | {"rounds": rounds}


def _pipeline(options: argparse.Namespace, say: Any) -> dict[str, Any]:
    return whole_run.measure(options.work, options.sizes, options.seed, options.workers, say)


def _latency(options: argparse.Namespace, say: Any) -> dict[str, Any]:
    files, rounds = options.sizes[0], options.latency_rounds
    return latency.measure(options.work, files, rounds, options.seed, options.workers, say)


_MEASURES = {"reader": _reader, "raw": _raw, "pipeline": _pipeline, "latency": _latency}


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--only",
        type=_sections,
        default=list(SECTIONS),
        help="some of reader,raw,pipeline,latency; the others stay as they were measured last",
    )
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="of reader")
    parser.add_argument("--files", type=int, help="of reader; 10,000, or 1,000 if quick")
    parser.add_argument("--raw-files", type=int, help="of raw; 20,000, or 1,000 if quick")
    parser.add_argument("--rounds", type=int, help="of reader; 7, or 3 if quick")
    parser.add_argument("--raw-rounds", type=int, help="3, or 1 if quick")
    parser.add_argument("--latency-rounds", type=int, help="files that arrive; 5, or 1 if quick")
    parser.add_argument("--sizes", type=_numbers, help="of the pipeline, in ascending order; "
                        "1000,10000,100000, or 1000 if quick")  # fmt: skip
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument("--quick", action="store_true", help="some minutes instead of an hour")
    parser.add_argument("--no-peers", action="store_true", help="pydicom only; installs nothing")
    parser.add_argument("--work", type=Path, default=PROJECT_DIR / "data" / "bench",
                        help="keeps corpora, peers and results; data/bench")  # fmt: skip
    parser.add_argument("--out", type=Path, default=PROJECT_DIR / "docs" / "benchmarks.md")
    options = parser.parse_args(arguments)
    for name, full, quick in (
        ("files", 10_000, 1_000), ("rounds", 7, 3), ("raw_files", 20_000, 1_000),
        ("raw_rounds", 3, 1), ("latency_rounds", 5, 1),
        ("sizes", [1_000, 10_000, 100_000], [1_000]),
    ):  # fmt: skip
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else full)
    options.work = options.work.resolve()
    return options


def _sections(text: str) -> list[str]:
    chosen = text.split(",")
    if not set(chosen) <= set(SECTIONS):
        raise argparse.ArgumentTypeError(f"expected some of {','.join(SECTIONS)}")
    return chosen


def _numbers(text: str) -> list[int]:
    return sorted(int(part) for part in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
