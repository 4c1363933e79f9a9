"""The leak check on a warehouse of the tests.

Belongs here: running the check, and changing cells of the staged tables.
Does not belong here: the archives (archive, the tests).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.attribute_mapping import AttributeMapping, load_mapping
from dicom_pipeline.warehouse.leak_check.check import CheckedFiles, check_for_leaks
from dicom_pipeline.warehouse.leak_check.findings_file import ensure_findings, findings_path
from dicom_pipeline.warehouse.leak_check.report import LeakReport, Limits
from dicom_pipeline.warehouse.vault import vault_path

from .conftest import Warehouse


def check(
    warehouse: Warehouse,
    limits: Limits | None = None,
    *,
    mapping: AttributeMapping | None = None,
    after_removal: bool = False,
) -> LeakReport:
    """Run the check once; nothing is removed."""
    findings = findings_path(warehouse.directory)
    ensure_findings(findings)
    directory = warehouse.directory
    files = CheckedFiles(warehouse.database, vault_path(directory), warehouse.raw.root, findings)
    return check_for_leaks(
        files,
        mapping or load_mapping(),
        Profile.RESEARCH,
        limits or Limits(),
        after_removal=after_removal,
    )


def found(warehouse: Warehouse) -> list[tuple[str, str, int]]:
    """Return table, column and number of cells of the problems that prevent publication."""
    return [(f.table, f.column, f.cells) for f in check(warehouse).findings]


def to_remove(report: LeakReport) -> list[tuple[str, str]]:
    """Return table and column of each cell in the file of findings."""
    return sorted((row["table_name"], row["column_name"]) for row in report.rows.to_pylist())


def cells_to_remove(warehouse: Warehouse) -> list[tuple[str, str]]:
    """Return table and column of each cell that a check without other findings would remove."""
    report = check(warehouse)
    assert report.findings == []
    return to_remove(report)


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows into a file of findings."""
    schema = pq.read_schema(path)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
