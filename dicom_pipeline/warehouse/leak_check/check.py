"""Leak check: the last check before publication for identifiers of patients in their own rows.

Belongs here: the order of the checks, and the cells and counts that they result in.
Does not belong here: comparison of values (search, dates), limits (limits), removal of cells
(dbt_snowflake), the decision to publish (orchestration).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from dicom_pipeline.common.errors import UserError
from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.attribute_mapping import AttributeMapping
from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.duckdb.connection import in_memory
from dicom_pipeline.warehouse.duckdb.publish import SCHEMA
from dicom_pipeline.warehouse.leak_check.columns import STAGE, Column, Columns, Rule
from dicom_pipeline.warehouse.leak_check.dates import (
    find_other_dates,
    find_true_dates,
    load_stage_days,
)
from dicom_pipeline.warehouse.leak_check.findings_file import COLUMNS
from dicom_pipeline.warehouse.leak_check.limits import exceeded_limits
from dicom_pipeline.warehouse.leak_check.report import Finding, LeakReport, Limits, RemovedCells
from dicom_pipeline.warehouse.leak_check.search import find_suspects
from dicom_pipeline.warehouse.leak_check.terms import load_terms

# if this share of a column was nulled, for this many patients, its mapping line is wrong
SYSTEMATIC_SHARE = 0.5
SYSTEMATIC_PATIENTS = 5
_PROBLEMS = {
    Rule.FORM: "do not have the form that they should",
    Rule.NAMES: "name no column",
    Rule.TERMS: "hold a term that identifies their patient",
    Rule.NUMBERS: "equal a number that identifies their patient",
    Rule.DATES: "are dates of their patient that were not shifted",
}
_PROBLEM_OF_PROCESSED_DATES = "are dates that stage does not have"


class LeakCheckError(UserError):
    """A query of the check failed; the message has no value."""


@dataclass(frozen=True)
class CheckedFiles:
    """Files that the check reads.

    Attributes
    ----------
    build, vault
        The databases that dbt builds in and attaches; both are opened read-only.
    raw_dir
        The raw zone, with the identity terms and the true values.
    findings
        The file with the cells that the stage models set to null; see `findings_file`.
    """

    build: Path
    vault: Path
    raw_dir: Path
    findings: Path


def check_for_leaks(
    files: CheckedFiles,
    mapping: AttributeMapping,
    profile: Profile,
    limits: Limits,
    *,
    after_removal: bool = False,
) -> LeakReport:
    """Check the values of all tables against the identifiers of the same patient.

    The staged tables are checked cell by cell. Each cell of a mapped column with a finding can be
    removed; any other finding prevents publication. If no cell has to be removed, the processed
    tables are checked as well, where each finding prevents publication.

    Parameters
    ----------
    files
        The databases, the raw zone and the file of findings.
    mapping, profile
        Attribute and de-identification function of each column.
    limits
        Limits of the cells that are removed.
    after_removal
        Whether cells were removed just now: then each finding prevents publication.

    Returns
    -------
    LeakReport
        Tables, columns and counts, and the cells to remove; never values.

    Raises
    ------
    LeakCheckError
        A value cannot be compared.
    """
    with in_memory(files.build.parent) as connection:
        connection.execute(f"attach {sql.text(str(files.build))} as build (read_only)")
        connection.execute(f"attach {sql.text(str(files.vault))} as vault (read_only)")
        try:
            load_terms(connection, files.raw_dir)
            check = _Check(connection, files, mapping, profile)
            return check.run(limits, after_removal=after_removal)
        except (duckdb.DataError, duckdb.InvalidInputException) as error:
            # messages of these classes may quote a value
            raise LeakCheckError(
                f"the leak check stopped with {type(error).__name__}, so nothing is published; "
                "report it"
            ) from None


class _Check:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: CheckedFiles,
        mapping: AttributeMapping,
        profile: Profile,
    ) -> None:
        self.connection = connection
        self.files = files
        self.columns = Columns(connection, mapping, profile)
        self.names = frozenset(a.column for a in mapping.attributes)
        self.report = LeakReport()

    def run(self, limits: Limits, *, after_removal: bool) -> LeakReport:
        report = self.report
        report.patients = self._count("select count(distinct patient_key) from patient_keys")
        report.terms = self._count("select count(*) from terms")
        self._load_removed_cells()
        for table in self.columns.tables(STAGE):
            columns = self.columns.of(STAGE, table)
            self.report.columns += len(columns)
            self.report.exempt += [f"{c.shown_table}.{c.name}" for c in columns if c.exempt]
            for column in self.columns.filled(STAGE, table):
                self._check_stage(column)
        self._collect_cells()
        if after_removal:
            self._refuse_found_cells()
        report.findings += exceeded_limits(self.connection, self.files.raw_dir, limits)
        self._check_nulled_cells()
        if not report.found and report.passed:
            self._check_processed()
        report.findings.sort()
        return report

    def _load_removed_cells(self) -> None:
        """Create ``removed_cells``: the cells of the file whose partition has the same version."""
        cells = ", ".join(f"{name} varchar" for name in COLUMNS)
        self.connection.execute(
            f"create temp table found_cells ({cells}, subject varchar);"
            " create temp table removed_cells as from found_cells"
        )
        findings = f"read_parquet({sql.text(str(self.files.findings))})"
        for table in self._staged_tables():
            column = self.columns.of(STAGE, table)[0]
            self.connection.execute(
                f"""
                insert into removed_cells
                select distinct cells.*, staged.subject
                from (
                    select {", ".join(COLUMNS)} from {findings}
                    where table_name = {sql.text(column.entity)}
                ) as cells
                inner join (
                    select period_key, base_version, {column.row_key} as row_key,
                        {column.subject} as subject
                    from {column.relation}
                ) as staged using (period_key, base_version, row_key)
                """
            )

    def _check_stage(self, column: Column) -> None:
        """Add the cells of a staged column with findings to ``found_cells``."""
        if column.rule is None:
            return
        suspects = "suspects as s on s.subject is not distinct from t.subject and s.value = t.value"
        if column.rule is Rule.DATES:
            suspects = "suspect_rows as s on s.row_key = t.row_key"
            if not find_true_dates(self.connection, column, self.files.raw_dir):
                return
        elif not find_suspects(self.connection, column, self.names):
            return
        if column.attribute is None:
            self._find(column, self._count_suspects(column), _PROBLEMS[column.rule])
            return
        self.connection.execute(
            f"""
            insert into found_cells
            select {sql.text(column.entity)}, t.period_key, t.base_version, t.row_key,
                {sql.text(column.name)}, t.subject
            from (
                select period_key, base_version, {column.row_key} as row_key,
                    {column.subject} as subject, {sql.name(column.name)} as value
                from {column.relation}
            ) as t
            semi join {suspects}
            where t.value is not null
            """
        )

    def _collect_cells(self) -> None:
        """Report the removed cells and the cells to remove."""
        self.connection.execute(
            "create temp table all_cells as from removed_cells union from found_cells"
        )
        self.report.found = self._count("select count(*) from found_cells")
        self.report.rows = self.connection.execute(
            f"select distinct {', '.join(COLUMNS)} from all_cells order by all"
        ).to_arrow_table()
        rows = self.connection.execute(
            "select 'stage.staged_' || table_name, column_name, count(*), count(distinct subject)"
            " from removed_cells group by all order by all"
        ).fetchall()
        self.report.removed = [RemovedCells(*row) for row in rows]

    def _refuse_found_cells(self) -> None:
        rows = self.connection.execute(
            "select 'stage.staged_' || table_name, column_name, count(*) from found_cells"
            " group by all"
        ).fetchall()
        for table, column, cells in rows:
            problem = "hold an identifier of a patient after the removal"
            self.report.findings.append(Finding(table, column, cells, problem))

    def _check_nulled_cells(self) -> None:
        """Count the cells that stage nulled by itself; too many in one column are a finding."""
        for table in self._staged_tables():
            column = self.columns.of(STAGE, table)[0]
            patient = "patient_key" if column.subject == "patient_key" else "null"
            counts = self.connection.execute(
                f"""
                select cell, count(*), count(distinct patient) from (
                    select {patient} as patient, period_key, base_version,
                        {column.row_key} as row_key,
                        unnest(list_distinct(leaked_cells)) as cell
                    from {column.relation}
                ) as nulled
                anti join removed_cells as removed
                    on removed.table_name = {sql.text(column.entity)}
                    and removed.period_key = nulled.period_key
                    and removed.base_version = nulled.base_version
                    and removed.row_key = nulled.row_key
                    and removed.column_name = nulled.cell
                group by cell order by cell
                """
            ).fetchall()
            for cell, cells, patients in counts:
                if cell not in self.names:  # a finding of `leaked_cells`, which may be any text
                    continue
                found = Finding(column.shown_table, cell, cells, "were nulled")
                self.report.nulled.append(found)
                kept = self._count(f"select count({sql.name(cell)}) from {column.relation}")
                if cells > SYSTEMATIC_SHARE * (cells + kept) and patients >= SYSTEMATIC_PATIENTS:
                    self.report.findings.append(
                        Finding(
                            column.shown_table, cell, cells, "had to be nulled: see its mapping"
                        )
                    )

    def _check_processed(self) -> None:
        load_stage_days(self.connection, self.columns)
        for table in self.columns.tables(SCHEMA):
            self.report.columns += len(self.columns.of(SCHEMA, table))
            for column in self.columns.filled(SCHEMA, table):
                if column.rule is None:
                    continue
                problem = _PROBLEMS[column.rule]
                if column.rule is Rule.DATES:
                    problem = _PROBLEM_OF_PROCESSED_DATES
                    found = find_other_dates(self.connection, column)
                else:
                    found = find_suspects(self.connection, column, self.names)
                if found:
                    self._find(column, self._count_suspects(column), problem)

    def _staged_tables(self) -> list[str]:
        return [table for table in self.columns.tables(STAGE) if table.startswith("staged_")]

    def _find(self, column: Column, cells: int, problem: str) -> None:
        self.report.findings.append(Finding(column.shown_table, column.name, cells, problem))

    def _count_suspects(self, column: Column) -> int:
        return self._count(
            f"select count(*) from (select {column.subject} as subject,"
            f" {sql.name(column.name)} as value from {column.relation}) as t semi join suspects"
            " as s on s.subject is not distinct from t.subject and s.value = t.value"
        )

    def _count(self, query: str) -> int:
        row = self.connection.execute(query).fetchone()
        return int(row[0]) if row else 0
