"""File with the cells that the leak check removes: the stage models set them to null.

Belongs here: reading and replacing the file, and its columns.
Does not belong here: finding the cells (check), setting them to null (dbt_snowflake).
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dicom_pipeline.common.private_files import write_atomic
from dicom_pipeline.warehouse.leak_check.report import RemovedCells

# a cell: a row of a version of a partition, and a column; row_key of images is their header_key
COLUMNS = ("table_name", "period_key", "base_version", "row_key", "column_name")
_SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])


def findings_path(warehouse_dir: Path) -> Path:
    """Return the location of the file, which the stage models read."""
    return warehouse_dir / "leak_findings.parquet"


def ensure_findings(path: Path) -> None:
    """Write a file without rows if there is none or it is damaged; each build reads it.

    The next check finds again the cells of a file that is lost.
    """
    with suppress(OSError, pa.ArrowInvalid):
        if pq.read_table(path).schema.equals(_SCHEMA):
            return
    write_findings(path, _SCHEMA.empty_table())


def write_findings(path: Path, cells: pa.Table) -> None:
    """Replace the file atomically, readable only by its owner."""
    buffer = pa.BufferOutputStream()
    pq.write_table(cells.select(COLUMNS).cast(_SCHEMA), buffer)
    write_atomic(path, memoryview(buffer.getvalue()))


def removed_cells(path: Path) -> list[RemovedCells]:
    """Return the number of cells in the file by table and column, without the number of patients.

    A check that passes drops the cells of former versions of a partition.
    """
    if not path.exists():
        return []
    columns = ["table_name", "column_name"]
    cells = Counter(zip(*pq.read_table(path, columns=columns).to_pydict().values(), strict=True))
    return [
        RemovedCells(f"stage.staged_{table}", column, count, 0)
        for (table, column), count in sorted(cells.items())
    ]
