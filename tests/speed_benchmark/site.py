"""A copy of the project with its own zones, as on the site of a user.

Belongs here: adding files to its landing zone, running it, the times of its stages.
Does not belong here: the sizes and steps to measure (whole_run, latency).
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from tests.support.project import copy_project

from . import process_tree


class Site:
    """All zones of one pipeline; existing ones are deleted.

    Attributes
    ----------
    environment
        The settings, as environment variables.
    """

    def __init__(self, root: Path, workers: int) -> None:
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        self.landing = root / "landing"
        self.landing.mkdir()
        self.project = copy_project(root / "project")
        self.home = root / "dagster"
        self.database = root / "published" / "dicom.duckdb"
        self.environment = {
            "DICOM_LANDING_URI": str(self.landing),
            "DICOM_RAW_URI": str(root / "raw"),
            "DICOM_WAREHOUSE_DIR": str(root / "warehouse"),
            "DBT_DATABASE_NAME": str(self.database),
            "DICOM_WORKERS": str(workers),
            "DAGSTER_HOME": str(self.home),
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "DO_NOT_TRACK": "1",
        }

    def put(self, folder: Path, names: Iterable[str]) -> None:
        """Link files of a corpus into the landing zone, or copy them if links are not possible."""
        made: set[str] = set()
        for name in names:
            target = os.path.join(self.landing, name)
            parent = os.path.dirname(target)
            if parent not in made:
                os.makedirs(parent, exist_ok=True)
                made.add(parent)
            try:
                os.link(folder / name, target)
            except OSError:
                shutil.copyfile(folder / name, target)

    def run(self) -> dict[str, Any]:
        """Execute `dicom-pipeline run` and return its result with the seconds of its stages."""
        environment = {
            **os.environ, **self.environment,
            # no minimum age, because waiting for it is not part of the measurement
            "DICOM_MIN_FILE_AGE_SECONDS": "0", "PYTHONPATH": str(self.project),
        }  # fmt: skip
        command = [sys.executable, "-m", "dicom_pipeline.cli", "run"]
        result = process_tree.run(command, environment, self.project)
        output = result.pop("output")
        if result["code"]:
            raise RuntimeError(f"the pipeline failed:\n{output[-3000:]}")
        match = re.search(r"^(\d+) files read$", output, re.MULTILINE)
        result["read"] = int(match[1]) if match else -1
        result["stages"] = self._stages(result["began"], result["began"] + result["wall"])
        return result

    def _stages(self, began: float, ended: float) -> dict[str, float]:
        """Return the seconds of each step from Dagster's event log, and before and after."""
        os.environ["DAGSTER_HOME"] = str(self.home)  # dagster.yaml refers to this variable
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            (run,) = instance.get_run_records(limit=1)
            steps = instance.get_run_step_stats(run.dagster_run.run_id)
        times = [
            (step.step_key, step.start_time, step.end_time)
            for step in steps
            if step.start_time is not None and step.end_time is not None
        ]
        times = sorted((t for t in times if t[1] >= began), key=lambda each: each[1])
        if not times:  # nothing changed, so no job was run
            return {"start, scan, summary": ended - began}
        stages = {"start and scan": times[0][1] - began}
        for name, since, until in times:
            stages[name] = stages.get(name, 0) + until - since
        stages["between steps"] = times[-1][2] - times[0][1] - sum(u - s for _, s, u in times)
        stages["summary and end"] = ended - times[-1][2]
        return stages

    def images(self) -> int:
        """Return the number of images in the published file; 0 without a file."""
        if not self.database.exists():
            return 0
        with duckdb.connect(str(self.database), read_only=True) as connection:
            row = connection.execute("select count(*) from processed.processed_images").fetchone()
        return int(row[0]) if row else 0
