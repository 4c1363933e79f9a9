"""The raw step from listing to parquet, assembled as in `dicom-pipeline run`.

Belongs here: the parts of this project, their settings, time measurement.
Does not belong here: the program that it is compared with (users_loop).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from harness import cpu_seconds

from dicom_pipeline.config.settings import Granularity, OnDelete
from dicom_pipeline.extract.raw_step import RawStep
from dicom_pipeline.extract.worker import WorkerPlan
from dicom_pipeline.landing.directory import DirectoryStorage
from dicom_pipeline.landing.manifest import ManifestStore
from dicom_pipeline.landing.scan import Scanner, ScanRules
from dicom_pipeline.mapping.attribute_mapping import MAPPING_CSV


def main(landing: Path, out: Path, workers: int) -> None:
    """Scan, read and write; print the seconds."""
    began, cpu = time.perf_counter(), cpu_seconds()
    storage, manifests = DirectoryStorage(landing), ManifestStore(out)
    Scanner(storage, manifests, ScanRules(Granularity.MONTH, OnDelete.REMOVE)).run(0)
    scanned = time.perf_counter()
    plan = WorkerPlan(landing, out, MAPPING_CSV)
    step = RawStep(plan.partitions(), plan, workers=workers)
    files = sum(report.loaded for report in step.refresh(manifests.periods()))
    ended = time.perf_counter()
    result = {
        "wall": ended - began, "cpu": cpu_seconds() - cpu, "scan": scanned - began, "files": files
    }  # fmt: skip
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
