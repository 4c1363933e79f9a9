"""Dates that were not shifted.

Belongs here: comparison of a staged date with the true value of the same cell, and of published
dates with those of stage.
Does not belong here: texts and numbers (search), shifting (dbt_snowflake).

A shifted date may equal another true date of the patient, for example of a patient who is imaged
every week. So only the true value of the same cell counts; the raw row is found by its keyed hash.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.leak_check.columns import STAGE, Column, Columns, Owner, Rule
from dicom_pipeline.warehouse.leak_check.raw_cells import raw_cells

# DA, in both forms of the standard, and the first 8 digits of DT
_TRUE_DAYS = (
    "list_transform({values}, lambda x: try_strptime(left(replace(trim(x), '.', ''), 8),"
    " '%Y%m%d')::date)"
)


def find_true_dates(connection: duckdb.DuckDBPyConnection, column: Column, raw_dir: Path) -> bool:
    """Write keys of staged rows with a true date into ``suspect_rows``; return whether any exist.

    Parameters
    ----------
    connection
        Connection with the databases and the tables of `terms.load_terms`.
    column
        A column of a staged table.
    raw_dir
        The raw zone.
    """
    if column.attribute is None or column.owner is not Owner.PATIENT:
        return False
    days = f"list_transform({column.elements}, lambda x: x::date)"
    raw_values = "[value]" if column.attribute.vm == "1" else "string_split(value, '\\')"
    true_days = _TRUE_DAYS.format(values=raw_values)
    raw = raw_cells(raw_dir, column.entity, column.name)
    connection.execute(
        f"""
        create or replace temp table cells as
        select distinct {column.subject} as subject, {sql.name(column.name)} as value
        from {column.relation} where value is not null;

        -- keyed hashes are expensive: only for patients with a date that is true for some row
        create or replace temp table candidates as
        select distinct subject from (select subject, unnest({days}) as day from cells)
        semi join (
            select subject, unnest({true_days}) as day
            from (select distinct subject, value from ({raw}) where value is not null)
        ) using (subject, day);
        """
    )
    if connection.execute("select 1 from candidates limit 1").fetchone() is None:
        return False
    connection.execute(
        f"""
        create or replace temp table suspect_rows as
        select staged.row_key from (
            select distinct {column.row_key} as row_key, {sql.name(column.name)} as value
            from {column.relation} where {column.subject} in (from candidates)
        ) as staged
        inner join (
            select distinct row_key, {true_days} as true_days
            from ({raw_cells(raw_dir, column.entity, column.name, subjects="candidates")})
        ) as raw using (row_key)
        where len(list_filter(list_zip({days}, true_days), lambda pair: pair[1] = pair[2])) > 0;
        """
    )
    return connection.execute("select 1 from suspect_rows limit 1").fetchone() is not None


def load_stage_days(connection: duckdb.DuckDBPyConnection, columns: Columns) -> None:
    """Create the temporary table ``stage_days`` with the dates of each patient in stage."""
    connection.execute("create or replace temp table stage_days (subject varchar, day date)")
    for table in columns.tables(STAGE):
        for column in columns.of(STAGE, table):
            if column.rule is Rule.DATES:
                connection.execute(
                    f"insert into stage_days select distinct subject, unnest({column.elements})"
                    f" from (select {column.subject} as subject, {sql.name(column.name)} as value"
                    f" from {column.relation})"
                )
    connection.execute(
        "create or replace temp table stage_days as select distinct * from stage_days"
    )


def find_other_dates(connection: duckdb.DuckDBPyConnection, column: Column) -> bool:
    """Write values of a processed column with a date that stage does not have into ``suspects``.

    Returns
    -------
    bool
        Whether there are any.
    """
    same = "found.day = known.day"
    if column.owner is not Owner.ANYBODY:
        same += " and found.subject is not distinct from known.subject"
    connection.execute(
        f"""
        create or replace temp table suspects as
        select distinct subject, value from (
            select subject, value, unnest({column.elements})::date as day from (
                select distinct {column.subject} as subject, {sql.name(column.name)} as value
                from {column.relation} where value is not null
            )
        ) as found
        anti join stage_days as known on {same}
        where day is not null
        """
    )
    return connection.execute("select 1 from suspects limit 1").fetchone() is not None
