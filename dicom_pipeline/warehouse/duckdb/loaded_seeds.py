"""Which seeds the build database already has, so that a build need not load them again.

Belongs here: comparing the tables of seeds with their files.
Does not belong here: loading seeds (dbt), and what depends on them (orchestration.seeds).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.duckdb.catalog import opened, tables

SCHEMA = "internal"
# texts that dbt reads as no value
_NO_VALUE = "('', 'null', 'none', 'na', 'n/a', '.')"


def loaded_seeds(build: Path, files: Iterable[Path]) -> list[str]:
    """Return the names of seeds whose table has the rows of the file, whoever loaded it.

    A seed that cannot be compared counts as not loaded.

    Parameters
    ----------
    build
        The build database.
    files
        The CSV files of the seeds.
    """
    with opened(build) as connection:
        known = tables(connection, SCHEMA)
        return sorted(
            path.stem
            for path in files
            if (SCHEMA, path.stem) in known and _has_rows_of(connection, path)
        )


def _has_rows_of(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    text = f"nullif(case when lower(value) not in {_NO_VALUE} then value end, '')"
    value = text.replace("value", "columns(*)::varchar")
    file = f"read_csv({sql.text(str(path))}, all_varchar = true, header = true, delim = ',')"
    loaded = f"{SCHEMA}.{sql.name(path.stem)}"
    try:
        counts = connection.execute(
            f"""
            with of_file as materialized (select {value} from {file}),
                of_table as materialized (select {value} from {loaded})
            select
                (select count(*) from of_file) - (select count(*) from of_table),
                (select count(*) from (select * from of_file except all select * from of_table))
            """
        ).fetchone()
    except duckdb.Error:
        return False
    return counts == (0, 0)
