"""The limits of findings: above them, the mapping of a column must be wrong.

Belongs here: counting patients and distinct pairs of patient and value by unit.
Does not belong here: finding cells (check), the default limits (config.settings).

Values are counted as they are in the raw zone, because a removed cell has no other value: so the
counts are the same before and after the removal, and a limit cannot be evaded by removing cells in
several runs.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from dicom_pipeline.warehouse.leak_check.raw_cells import raw_cells
from dicom_pipeline.warehouse.leak_check.report import Finding, Limits

# what the limits apply to: columns of `all_cells`, the first of which is the table
UNIT = ("table_name", "column_name")


def exceeded_limits(
    connection: duckdb.DuckDBPyConnection, raw_dir: Path, limits: Limits
) -> list[Finding]:
    """Return the units with too many cells.

    Parameters
    ----------
    connection
        Connection with ``all_cells``: the cells that are removed, and those to remove.
    raw_dir
        The raw zone.
    limits
        A unit is returned if it exceeds both.
    """
    units = connection.execute(
        f"select {', '.join(UNIT)}, count(*), count(distinct subject) as patients from all_cells"
        f" group by {', '.join(UNIT)} having patients >= ? order by all",
        [limits.patients],
    ).fetchall()
    findings = []
    for entity, column, cells, patients in units:
        pairs, total = _pairs(connection, raw_dir, entity, column)
        if pairs > limits.fraction * max(total, pairs):
            problem = (
                f"of {patients} {'devices' if entity == 'devices' else 'patients'} hold an "
                f"identifier of a patient ({pairs} of {total} distinct values): see its mapping"
            )
            findings.append(Finding(f"stage.staged_{entity}", column, cells, problem))
    return findings


def _pairs(
    connection: duckdb.DuckDBPyConnection, raw_dir: Path, entity: str, column: str
) -> tuple[int, int]:
    """Return the number of distinct pairs with findings, and of all pairs."""
    connection.execute(
        "create or replace temp table unit_cells as select distinct row_key, subject"
        " from all_cells where table_name = ? and column_name = ?",
        [entity, column],
    )
    found = connection.execute(
        "select count(*) from (select distinct cells.subject, raw.value from unit_cells as cells"
        f" left join ({raw_cells(raw_dir, entity, column, subjects='unit_cells')}) as raw"
        " using (row_key))"
    ).fetchone()
    total = connection.execute(
        "select count(*) from (select distinct subject, value"
        f" from ({raw_cells(raw_dir, entity, column)}) where value is not null)"
    ).fetchone()
    assert found is not None and total is not None
    return found[0], max(found[0], total[0])
