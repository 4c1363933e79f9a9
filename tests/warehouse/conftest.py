"""Warehouse in a temporary directory, built by dbt from a raw zone that the test writes."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dicom_pipeline.deid.keys import Secret
from dicom_pipeline.warehouse.leak_check.findings_file import ensure_findings, findings_path
from dicom_pipeline.warehouse.vault import load_or_create_secret, write_vault
from tests.support.dbt import run_dbt

from .archive import ADDED_LINES, PERIODS
from .raw_zone import RawZone

PROJECT = Path(__file__).parents[2] / "dbt_snowflake"
KEY = bytes(range(7, 39))


class Warehouse:
    """Copy of the dbt project with some more columns, its own raw zone and its own databases."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = root / "dbt_snowflake"
        self.seed = self.project / "seeds" / "anonymization_mapping.csv"
        self.raw = RawZone(root / "raw", self.seed)
        self.directory = root / "warehouse"
        self.database = self.directory / "build.duckdb"

    def create(self) -> Secret:
        shutil.copytree(PROJECT, self.project, ignore=shutil.ignore_patterns("target", "logs"))
        with self.seed.open("a") as file:
            file.write(ADDED_LINES)
        secret = load_or_create_secret(
            warehouse_dir=self.directory, key=KEY.hex(), key_file=None, may_create=False
        )
        write_vault(secret, self.directory)
        ensure_findings(findings_path(self.directory))
        self.raw.write_columns()
        return secret

    def clean_sequences_under_strict(self) -> None:
        """Change the mapping, which removes sequences under strict, so that they are cleaned."""
        removed, cleaned = "clean_sequence,remove", "clean_sequence,clean_sequence"
        lines = self.seed.read_text().splitlines()
        self.seed.write_text(
            "".join(
                f"{line.replace(removed, cleaned)}A test.\n" if removed in line else f"{line}\n"
                for line in lines
            )
        )

    def build(self, **environment: str) -> str:
        """Run `dbt build` and return its output; fail with the output if it fails."""
        done = self.dbt("build", **environment)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def dbt(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return run_dbt(
            *arguments,
            "--profiles-dir",
            "config",
            project=self.project,
            environment=self._environment() | environment,
        )

    def _environment(self) -> dict[str, str]:
        return {
            "DBT_TARGET": "local",
            "DICOM_RAW_URI": str(self.raw.root),
            "DICOM_WAREHOUSE_DIR": str(self.directory),
            "DBT_TARGET_PATH": str(self.root / "target"),
            "DBT_LOG_PATH": str(self.root / "logs"),
        }

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            result = connection.execute(sql)
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def execute(self, sql: str) -> None:
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(sql)

    def tables(self) -> list[str]:
        found = self.rows("select schema_name || '.' || table_name as name from duckdb_tables()")
        return sorted(row["name"] for row in found)

    def content(self, *, helpers: bool = False) -> dict[str, list[str]]:
        """Return all rows of all tables, sorted.

        Helper tables have results of the latest build only, so they are not compared.
        """
        return {
            name: sorted(str(row) for row in self.rows(f"select * from {name}"))
            for name in self.tables()
            if helpers or not name.startswith("private.")
        }


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, str]:
    """The archive, built once, and the output of dbt; tests only read it."""
    warehouse = Warehouse(tmp_path_factory.mktemp("built"))
    warehouse.create()
    for period, files in PERIODS.items():
        warehouse.raw.write(period, files)
    return warehouse, warehouse.build()


@pytest.fixture(scope="session")
def warehouse(built: tuple[Warehouse, str]) -> Warehouse:
    return built[0]


@pytest.fixture(scope="module")
def changing(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A copy of the built warehouse that tests may change."""
    root = tmp_path_factory.mktemp("changing")
    shutil.copytree(warehouse.root, root, dirs_exist_ok=True)
    return Warehouse(root)


@pytest.fixture
def changed(people: Warehouse, tmp_path: Path) -> Warehouse:
    """A copy of the warehouse `people` of a module, whose tables a test may change."""
    shutil.copytree(people.root, tmp_path / "copy")
    return Warehouse(tmp_path / "copy")
