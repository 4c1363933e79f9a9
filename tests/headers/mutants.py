"""Mutated files in the whole extractor: ``python -m tests.headers.mutants --files 100000``.

Small files of every kind are mutated, written to a landing zone, scanned and extracted by the
production worker processes, some thousand at a time. Each file must have exactly one outcome
within the limits of time and memory. The figures are printed.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from dicom_pipeline.common.open_file import OpenFile
from dicom_pipeline.config.settings import Reader
from dicom_pipeline.extract import worker
from dicom_pipeline.extract.cross_check import CrossCheckedReader
from dicom_pipeline.extract.raw_step import RawStep
from dicom_pipeline.headers.reader import Header
from tests.headers.fuzz import mutated
from tests.headers.made_headers import made_header
from tests.support import attacks
from tests.support.dicom import SYNTAXES, instance, wheel_files
from tests.support.zone import Zone

PIECE = 5_000
SECONDS_PER_FILE = 5.0
MEMORY = 500  # MiB, of a worker
_LARGEST = 12_000
_META = 132


class _TimedReader(CrossCheckedReader):
    """Reader that logs the time of each file and the peak memory of the process."""

    log = Path()

    def read(self, file: OpenFile) -> Header:
        began = time.monotonic()
        try:
            return super().read(file)
        finally:
            # the peak that getrusage reports includes the memory of the parent process
            status = Path("/proc/self/status").read_text()
            peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024
            line = f"{time.monotonic() - began:.6f} {peak}\n".encode()
            with self.log.open("ab", buffering=0) as log:
                log.write(line)


def _in_worker(log: Path, *fields: Any) -> worker.WorkerPlan:
    _TimedReader.log = log
    worker.READERS[Reader.FAST] = _TimedReader
    return worker.WorkerPlan(*fields)


class _TimedPlan(worker.WorkerPlan):
    def __reduce__(self) -> Any:
        log = self.raw_dir.with_name("times")
        fields = (self.landing, self.raw_dir, self.mapping_csv, self.reader, self.identity_csv)
        return _in_worker, (log, *fields)


@lru_cache
def seeds() -> list[bytes]:
    """Small files: from the wheel, generated, and one of each transfer syntax."""
    from tests.headers.fuzz import attribute_paths

    found = [instance(1, syntax) for syntax in SYNTAXES]
    found += [made_header(number, attribute_paths()) for number in range(6)]
    found += [attacks.whole({attacks.MAPPED: attacks.deep(10)})]
    small = [path.read_bytes() for path in wheel_files() if path.stat().st_size < _LARGEST]
    return found + [data for data in small if len(data) > 200]


def mutant(number: int) -> bytes:
    """Return a mutated file; in a deflated one either the deflated or the inflated bytes change."""
    chance = random.Random(number)
    data = chance.choice(seeds())
    if chance.random() < 0.05:
        return attacks.begin(SYNTAXES["deflated"]) + attacks.deflated(_body(mutated(data, chance)))
    return mutated(data, chance)


def _body(data: bytes) -> bytes:
    """Return approximately the bytes after the file meta information."""
    length = int.from_bytes(data[140:144], "little")
    return data[_META + 12 + min(length, 400) :]


@dataclass
class Figures:
    """Figures over all files."""

    files: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    memory: int = 0


def run(files: int, root: Path, *, seed: int = 0, workers: int = 2) -> Figures:
    """Extract a number of mutants and assert every limit."""
    found = Figures()
    for first in range(seed, seed + files, PIECE):
        zone = Zone(root / f"{first}")
        numbers = range(first, min(first + PIECE, seed + files))
        for number in numbers:
            (zone.landing / f"{number}").write_bytes(mutant(number))
        began = time.monotonic()
        zone.scan()
        plan = _TimedPlan(
            zone.landing, zone.raw_dir, zone.mapping_csv, identity_csv=zone.identity_csv
        )
        step = RawStep(plan.partitions(), plan, workers=workers)
        reports = list(step.refresh(zone.manifests.periods()))
        found.seconds += time.monotonic() - began
        counts = zone.reconcile()
        assert counts.balanced and not counts.pending
        assert counts.discovered == len(os.listdir(zone.landing)) == len(numbers)
        assert sum(report.read for report in reports) == len(numbers)
        found.files += counts.discovered
        found.outcomes.update(loaded=counts.loaded, duplicate=counts.duplicate)
        found.outcomes.update(counts.rejected)
        found.outcomes.update({f"ignored: {name}": n for name, n in counts.ignored.items()})
        lines = [
            line.split() for line in (zone.raw_dir.with_name("times")).read_text().splitlines()
        ]
        found.slowest = max(found.slowest, *(float(seconds) for seconds, _ in lines))
        found.memory = max(found.memory, *(int(peak) for _, peak in lines))
        assert found.slowest < SECONDS_PER_FILE
        assert found.memory < MEMORY
        assert not {"worker_crashed", "timeout"} & set(counts.rejected)
    return found


def main() -> None:
    """Run and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(options.files, Path(folder), seed=options.seed)
    print(f"{found.files:,} files of {len(seeds())} seeds in {found.seconds:.0f} s")
    print(f"slowest {found.slowest:.3f} s, most memory of a worker {found.memory} MiB")
    for name, count in found.outcomes.most_common():
        print(f"{count:9,} {name}")


if __name__ == "__main__":
    # workers import the plan by this name; `__main__` is another module in a worker
    from tests.headers import mutants

    mutants.main()
