"""Runs of the command line in separate processes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pydicom
import pytest

from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.landing.sample import put_sample
from tests.support.command_line import run_command

from .volumes import write_volumes

SAMPLE = Path(pydicom.__file__).parent / "data" / "test_files"
# small for speed; several patients, months and transfer syntaxes, and rejected files
SMALL_SAMPLE = (
    "CT_small.dcm", "MR_small.dcm", "MR_small_bigendian.dcm", "JPEG2000.dcm", "rtplan.dcm",
    "liver_1frame.dcm", "rtdose_1frame.dcm", "reportsi.dcm", "ExplVR_BigEnd.dcm", "SC_rgb_rle.dcm",
    "README.txt", "rtplan_truncated.dcm",
)  # fmt: skip


class Site:
    """All zones of one workspace under a temporary directory."""

    def __init__(self, root: Path, project: Path = PROJECT_DIR) -> None:
        self.root = root
        self.project = project
        self.landing = root / "landing"
        self.landing.mkdir(parents=True, exist_ok=True)
        self.database = root / "published" / "dicom.duckdb"
        self.environment = {
            "DICOM_LANDING_URI": str(self.landing),
            "DICOM_RAW_URI": str(root / "raw"),
            "DICOM_WAREHOUSE_DIR": str(root / "warehouse"),
            "DBT_DATABASE_NAME": str(self.database),
            "DICOM_MIN_FILE_AGE_SECONDS": "0",
            "DICOM_WORKERS": "2",
            "DAGSTER_HOME": str(root / "dagster"),
        }

    def put(self, *names: str) -> None:
        """Copy sample files into the landing zone."""
        for name in names:
            shutil.copy2(SAMPLE / name, self.landing / name)

    def start(self, *arguments: str, umask: int = -1, **environment: str) -> subprocess.Popen[str]:
        """Start the command line in a separate process without a terminal."""
        return subprocess.Popen(
            [sys.executable, "-m", "dicom_pipeline.cli", *arguments],
            cwd=self.project,
            env={
                **os.environ,
                **self.environment,
                "PYTHONPATH": str(self.project),
                **environment,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            umask=umask,
        )

    def command(
        self,
        *arguments: str,
        code: int = 0,
        stdin: str = "",
        umask: int = -1,
        seconds: float = 480,
        **environment: str,
    ) -> str:
        """Run the command line to its end, check the exit code and return the output."""
        if self.project != PROJECT_DIR:  # the code of the copy
            process = self.start(*arguments, umask=umask, **environment)
            output, _ = process.communicate(stdin, timeout=seconds)
            assert process.returncode == code, output
            return output
        found, output = run_command(
            *arguments,
            directory=self.project,
            environment={**os.environ, **self.environment, **environment},
            stdin=stdin,
            umask=umask,
            seconds=seconds,
        )
        assert found == code, output
        return output

    def run(self, **environment: str) -> str:
        """Run `dicom-pipeline run` and return its output."""
        return self.command("run", **environment)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the published file."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def tables(self) -> list[str]:
        """Return the names of the published tables."""
        return [
            name
            for (name,) in self.ask(
                "select schema_name || '.' || table_name from duckdb_tables() order by 1"
            )
        ]

    def content(self) -> dict[str, list[str]]:
        """Return all rows of all published tables except run_info, which has a time."""
        return {
            name: sorted(str(row) for row in self.ask(f"select * from {name}"))
            for name in self.tables()
            if name != "processed.run_info"
        }

    def share_key_of(self, other: Site) -> None:
        """Use the key of another site, so that the tables can be compared."""
        key = other.root / "warehouse" / "pseudonym.key"
        self.environment["DICOM_PSEUDONYM_KEY"] = key.read_text().strip()


def files_read(output: str) -> int:
    """Return the number of files that a run reports as read."""
    match = re.search(r"^(\d+) files read$", output, re.MULTILINE)
    assert match, output
    return int(match[1])


def summary(output: str) -> dict[str, int]:
    """Return the counts at the end of the output."""
    rows = re.findall(r"^ *(\w[\w.]*) +(\d+)$", output, re.MULTILINE)
    return {name: int(count) for name, count in rows}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Empty site."""
    return Site(tmp_path)


EXPLORED_KEY = bytes(range(91, 131))


@pytest.fixture(scope="session")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Site with the sample and series of known geometry, loaded once; tests only read it."""
    site = Site(tmp_path_factory.mktemp("explored"))
    site.environment["DICOM_PSEUDONYM_KEY"] = EXPLORED_KEY.hex()
    site.landing.rmdir()
    put_sample(site.landing)
    write_volumes(site.landing / "volumes")
    site.run()
    return site
