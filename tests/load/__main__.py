"""`make load`: bursts with active readers, and a compressed day; exits with 1 on a failure.

Belongs here: options. Does not belong here: measurements (bursts, day), checks (verdict).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.load import bursts, day, verdict


def main(arguments: list[str] | None = None) -> int:
    """Measure, print tables in Markdown, and print what is wrong."""
    parser = argparse.ArgumentParser(prog="tests.load", description=__doc__)
    parser.add_argument("--only", choices=("bursts", "day"))
    parser.add_argument("--files", type=int, default=1_000_000, help="files that arrive in bursts")
    parser.add_argument("--bursts", type=int, default=10)
    parser.add_argument("--changed", type=int, default=200, help="partitions that change at once")
    parser.add_argument("--readers", type=int, default=2)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir(), "dicom-load"))
    options = parser.parse_args(arguments)
    workers = os.cpu_count() or 1
    wrong = []
    if options.only != "day":
        found = bursts.measure(
            options.work, files=options.files, bursts=options.bursts, changed=options.changed,
            readers=options.readers, workers=workers, log=_log,
        )  # fmt: skip
        sys.stdout.write(verdict.of_bursts(found) + "\n")
        wrong += verdict.wrong_with_bursts(found)
    if options.only != "bursts":
        found = day.measure(
            options.work, hours=options.hours, files=2_000, workers=workers, log=_log
        )
        sys.stdout.write(verdict.of_day(found) + "\n")
        wrong += verdict.wrong_with_day(found)
    sys.stdout.writelines(f"WRONG: {line}\n" for line in wrong)
    return 1 if wrong else 0


def _log(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
