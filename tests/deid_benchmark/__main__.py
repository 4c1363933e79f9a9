"""`make bench-deid`: generate the archive, run the pipeline on it, score the published tables.

Belongs here: the command line and the order of the steps.
Does not belong here: anything that determines a score.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.endtoend.conftest import Site
from tests.support.project import copy_project
from tests.warehouse.oracle import Oracle

from . import real_texts
from .answer_key import Expectation, answer_key
from .archive import Patient, images
from .files import write
from .make_archive import Maker
from .published import Published
from .report import Score, show
from .scorer import Scorer
from .texts import Text

PIPELINE_TIMEOUT = 3_000
SECRET = hashlib.sha256(b"the key of the benchmark, which everybody may know").digest()


class Clock:
    """Prints the duration of each step."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.seconds: dict[str, float] = {}
        self._since = time.monotonic()

    def step(self, name: str) -> None:
        """Print the duration of the step that just ended."""
        now = time.monotonic()
        self.seconds[name] = round(now - self._since, 1)
        self._since = now
        self.console.print(f"[dim]{self.seconds[name]:7.1f} s  {name}[/]")


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    options = _options(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)
    clock = Clock(console)
    with tempfile.TemporaryDirectory(prefix="bench-deid-") as temporary:
        place = Path(options.work or temporary)
        made = Maker(options.seed).make(options.files)
        found = real_texts.read()
        real = real_texts.patients(found, options.seed + 1, options.real)
        clock.step("archive made up")
        site = Site(place / "site", copy_project(place / "project"))
        files = write(site.landing / "made", made) + write(site.landing / "real", real)
        clock.step(f"{files:,} files written")
        about = _about(made, real, found, options.seed)
        if options.answer_key:
            _write_key(options.answer_key, made, real, options.profile[0])
            clock.step("answer key written")
        scores = []
        for profile in options.profile:
            _run(site, profile, console)
            clock.step(f"pipeline run, profile {profile}")
            published = Published.read(site.database, Oracle(SECRET))
            scores.append(Score(profile).take(Scorer(published).score(_key(made, real, profile))))
            clock.step(f"profile {profile} scored")
    for score in scores:
        show(score, console, options.examples)
    console.print(about["text"])
    if options.out:
        document = about | {
            "seconds": clock.seconds,
            "profiles": [score.document() for score in scores],
        }
        options.out.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    good = all(score.is_good(options.require) for score in scores)
    verdict = "reached" if good else "NOT reached"
    console.print(f"{options.require} % overall, and all own identifiers removed: {verdict}")
    return 0 if good else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-deid", description=__doc__)
    parser.add_argument("--profile", action="append", choices=("research", "strict"))
    parser.add_argument("--out", type=Path, help="JSON file for all counts")
    parser.add_argument("--answer-key", type=Path, help="gzipped JSON lines, one per cell")
    parser.add_argument("--require", type=float, default=99.95, help="minimum percentage overall")
    parser.add_argument("--files", type=int, default=20_000, help="minimum number of made-up files")
    parser.add_argument(
        "--real", type=int, help="maximum number of real descriptions; default: all"
    )
    parser.add_argument("--examples", type=int, default=40, help="number of failures to print")
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument(
        "--work", type=Path, help="folder for all zones, not deleted; must not exist"
    )
    options = parser.parse_args(arguments)
    options.profile = options.profile or ["research"]
    if options.work:
        options.work.mkdir(parents=True)
    return options


def _run(site: Site, profile: str, console: Console) -> None:
    process = site.start(
        "run", DICOM_DEID_PROFILE=profile, DICOM_PSEUDONYM_KEY=SECRET.hex(),
        DICOM_WORKERS=str(os.cpu_count() or 1),
    )  # fmt: skip
    try:
        output, _ = process.communicate(timeout=PIPELINE_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    if process.returncode:
        console.print(output, markup=False)
        raise SystemExit(f"the pipeline failed with exit code {process.returncode}")


def _key(made: list[Patient], real: list[Patient], profile: str) -> Iterator[Expectation]:
    """Expectations of all cells of the made-up archive, and of the real descriptions."""
    yield from answer_key(made, profile)
    for expected in answer_key(real, profile):
        value = expected.value[0] if isinstance(expected.value, list) else expected.value
        if expected.field.fate == "text" and isinstance(value, Text):
            yield expected


def _about(
    made: list[Patient], real: list[Patient], found: real_texts.RealTexts, seed: int
) -> dict[str, Any]:
    texts = sum(
        sum(len(given) for level in (patient.texts, *(s.texts for s in patient.studies))
            for given in level.values())
        + sum(len(series.texts) + bool(series.request) for s in patient.studies
              for series in s.series)
        + sum(len(image.texts) for *_, image in images([patient]))
        for patient in made
    )  # fmt: skip
    cases = sum(1 for _ in images(made))
    left_out = ", ".join(f"{count:,} with a {why}" for why, count in found.excluded.items())
    return {
        "seed": seed,
        "made-up files": cases,
        "made-up patients": len(made),
        "made-up studies": sum(len(patient.studies) for patient in made),
        "made-up texts": texts,
        "real descriptions": found.texts,
        "real descriptions left out": dict(found.excluded),
        "files with real descriptions": sum(1 for _ in images(real)),
        "text": f"{cases:,} made-up files of {len(made):,} patients with {texts:,} texts; "
        f"{found.texts:,} real descriptions, left out: {left_out}",
    }


def _write_key(path: Path, made: list[Patient], real: list[Patient], profile: str) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        for expected in _key(made, real, profile):
            lines.write(json.dumps(expected.document(), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
