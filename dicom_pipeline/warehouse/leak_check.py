"""The last gate before publishing: no text of a patient's rows may hold a term of that patient.

Belongs here: holding the processed tables against the identity terms of the raw zone. It shares no
code with the macros that clean: a fault there must not hide itself.
Does not belong here: cleaning (macros/clean), what becomes of the answer (orchestration), values:
whatever is found is told as table, column and count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.attribute_mapping import Attribute, AttributeMapping
from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.duckdb.publish import SCHEMA, TECHNICAL
from dicom_pipeline.warehouse.patient_terms import load_terms

# a column of which so large a share was nulled is not one patient's accident but a wrong line of
# the mapping
SYSTEMATIC_SHARE = 0.5
SYSTEMATIC_PATIENTS = 5
# shifted by weeks, a date may meet another one of the patient by chance, but not one in five
DATE_SHARE = 0.2

_LETTERS = "[^ -@{-~\\[-`[:cntrl:]]"
_TOKENS = f"[0-9]+|{_LETTERS}+"
# scripts without spaces: a name stands inside a run of letters
_LAST_LATIN = 0x24F
_HASH = "[0-9a-f]{32}"
_UID = "2[.]25[.][0-9]+"
# of a class or a syntax: 840 is no patient's there
_ANY_UID = "[0-9.]{1,64}"
_AGE = "[0-9]{3}[YMWD]"
# columns that models derive: which attribute's terms stand in them, or that they name columns
_DERIVED = {"modalities": "Modality", "software_version": "SoftwareVersions"}
_NAMES_COLUMNS = "conflicting_attributes"
# what models say in words of their own, where a view is built as a table
_WORDED = {
    "orientation_plane": "axial|coronal|sagittal|oblique",
    "table_name": "processed_[a-z]+",
}
_TEXTS = ("VARCHAR", "VARCHAR[]", "JSON")
_DATES = ("DATE", "TIMESTAMP")


@dataclass(frozen=True, order=True)
class Finding:
    """So many cells of a column should not be what they are."""

    table: str
    column: str
    cells: int
    problem: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column}: {self.cells} cells {self.problem}"


@dataclass
class LeakReport:
    """What was found, and how much was looked at.

    ``findings`` forbid publishing. ``nulled`` counts the cells that stage has emptied because a
    term of the patient stood in them: they are no danger, but worth a look at the mapping.
    """

    findings: list[Finding] = field(default_factory=list)
    nulled: list[Finding] = field(default_factory=list)
    columns: int = 0
    patients: int = 0
    terms: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing forbids publishing."""
        return not self.findings


def check_for_leaks(
    build: Path, vault: Path, raw_dir: Path, mapping: AttributeMapping, profile: Profile
) -> LeakReport:
    """Hold every text and date of the processed tables against the terms of the same patient.

    Terms are matched as whole tokens in their order; keys, pseudonyms and UIDs must have the form
    that only a keyed hash gives them. Defined terms of the standard in code columns are exempt
    (body part HAND of a patient named Hand), and of places the words that anybody may use.

    Parameters
    ----------
    build, vault
        The databases that dbt builds in and attaches; they are only read.
    raw_dir
        The raw zone, for the identity terms and the keys of patients.
    mapping, profile
        What each column is, to know its form.

    Returns
    -------
    LeakReport
        Tables, columns and counts; never a value.
    """
    with duckdb.connect() as connection:
        check = _Check(connection, mapping, profile)
        check.attach(build, vault)
        load_terms(connection, raw_dir)
        check.count_terms()
        for table in check.tables():
            check.look_at(table)
        check.look_at_stage()
    check.report.findings.sort()
    check.report.nulled.sort()
    return check.report


class _Check:
    def __init__(
        self, connection: duckdb.DuckDBPyConnection, mapping: AttributeMapping, profile: Profile
    ) -> None:
        self.connection = connection
        self.mapping = mapping
        self.profile = profile
        self.report = LeakReport()

    def attach(self, build: Path, vault: Path) -> None:
        self.connection.execute(f"attach {sql.text(str(build))} as build (read_only)")
        self.connection.execute(f"attach {sql.text(str(vault))} as vault (read_only)")

    def count_terms(self) -> None:
        self.report.patients = self._count("select count(distinct patient_key) from patient_keys")
        self.report.terms = self._count("select count(*) from terms")

    def tables(self) -> list[str]:
        rows = self.connection.execute(
            "select table_name from duckdb_tables() where database_name = 'build' and"
            " schema_name = ? order by 1",
            [SCHEMA],
        ).fetchall()
        return [name for (name,) in rows]

    def look_at(self, table: str) -> None:
        """Every text and date column of one processed table."""
        columns = self._columns(SCHEMA, table)
        # what changes between visits stands in studies, though its attribute is of patients
        own_attributes = self.mapping.table(table.removeprefix("processed_"))
        attributes = {a.column: a for a in (*self.mapping.attributes, *own_attributes)}
        self.connection.execute(f"create or replace temp table owners as {_owners(columns)}")
        own = "patient_key" in columns
        for column, type_ in columns.items():
            if column in TECHNICAL:
                continue
            self.report.columns += 1
            attribute = attributes.get(_stem(column))
            form = self._form(column, attribute)
            if column == _NAMES_COLUMNS:
                self._find(table, column, self._unnamed(table, column), "name no column")
            elif form is not None:
                self._find(
                    table,
                    column,
                    self._malformed(table, column, form),
                    "do not have the form that they should",
                )
            elif type_ in _TEXTS and own:
                source = f"select patient_key, {sql.name(column)} as value from {_build(table)}"
                self._find_terms(table, column, type_, source, attribute, short=True)
            elif type_ in _TEXTS:
                key = "device_key" if "device_key" in columns else "null"
                source = (
                    f"select owners.patient_key, rows.value from (select {key} as owner,"
                    f" {sql.name(column)} as value from {_build(table)}) as rows"
                    " inner join owners on rows.owner is not distinct from owners.owner"
                )
                self._find_terms(table, column, type_, source, attribute, short=False)
            elif type_ in _DATES and own:
                self._find_dates(table, column)

    def look_at_stage(self) -> None:
        """What stage has nulled; too much of one column is a fault of the mapping."""
        rows = self.connection.execute(
            "select table_name from duckdb_columns() where database_name = 'build' and"
            " schema_name = 'stage' and column_name = 'leaked_cells' order by 1"
        ).fetchall()
        for (table,) in rows:
            staged = f"build.stage.{sql.name(table)}"
            patient = "patient_key" if "patient_key" in self._columns("stage", table) else "null"
            counts = self.connection.execute(
                f"select cell, count(*), count(distinct patient) from (select {patient} as"
                f" patient, unnest(leaked_cells) as cell from {staged}) group by cell"
            ).fetchall()
            for column, cells, patients in counts:
                found = Finding(f"stage.{table}", column, cells, "were nulled")
                self.report.nulled.append(found)
                kept = self._count(f"select count({sql.name(column)}) from {staged}")
                if cells > SYSTEMATIC_SHARE * (cells + kept) and patients >= SYSTEMATIC_PATIENTS:
                    self._find(f"stage.{table}", column, cells, "had to be nulled: see its mapping")

    def _columns(self, schema: str, table: str) -> dict[str, str]:
        rows = self.connection.execute(
            "select column_name, data_type from duckdb_columns() where database_name = 'build'"
            " and schema_name = ? and table_name = ? order by column_index",
            [schema, table],
        ).fetchall()
        return dict(rows)

    def _form(self, column: str, attribute: Attribute | None) -> str | None:
        if column.endswith("_key"):
            return _HASH
        if column == "transfer_syntax_uid":
            return _ANY_UID
        if column == "column_name":
            return "|".join(
                name for table in self.tables() for name in self._columns(SCHEMA, table)
            )
        if column in _WORDED:
            return _WORDED[column]
        if attribute is None:
            return None
        function = getattr(attribute, self.profile)
        if attribute.path.vr == "UI" and function == "keep":
            return _ANY_UID
        return {"pseudonym": _HASH, "uid": _UID, "age_cap": _AGE}.get(function)

    def _malformed(self, table: str, column: str, form: str) -> int:
        return self._count(
            f"select count(*) from {_build(table)} where not regexp_full_match({sql.name(column)},"
            f" {sql.text(form)})"
        )

    def _unnamed(self, table: str, column: str) -> int:
        known = ", ".join(sorted({sql.text(a.column) for a in self.mapping.attributes}))
        return self._count(
            f"select count(*) from {_build(table)}"
            f" where len(list_filter({sql.name(column)}, lambda x: x not in ({known}))) > 0"
        )

    def _find(self, table: str, column: str, cells: int, problem: str) -> None:
        if cells:
            self.report.findings.append(Finding(table, column, cells, problem))

    def _find_terms(
        self,
        table: str,
        column: str,
        type_: str,
        source: str,
        attribute: Attribute | None,
        *,
        short: bool,
    ) -> None:
        """Tokens of distinct values against the terms of the patients who have the value."""
        elements = {"VARCHAR[]": "value", "JSON": _strings("value")}.get(type_, "[value]")
        exempt = attribute.attribute if attribute else _DERIVED.get(column, column)
        # of a code in a sequence it is not looked at which attribute it is of
        exempted = "true" if type_ == "JSON" else f"attribute = {sql.text(exempt)}"
        self.connection.execute(
            f"""
            create or replace temp table cells as
            select distinct patient_key, value from ({source}) where value is not null;

            create or replace temp table sentences as
            select value, ' ' || array_to_string(
                regexp_extract_all(lower(replace(element, '[removed]', ' ')), '{_TOKENS}'), ' '
            ) || ' ' as sentence
            from (select value, unnest({elements}) as element from
                (select distinct value from cells))
            where element not in (
                select term from build.internal.defined_terms where {exempted}
            );

            create or replace temp table tokens as
            select distinct value, sentence, unnest(string_split(trim(sentence), ' ')) as token
            from sentences;

            create or replace temp table suspects as
            select distinct cells.patient_key, cells.value
            from cells
            inner join tokens on cells.value = tokens.value
            inner join terms
                on cells.patient_key = terms.patient_key and tokens.token = terms.first_token
            where {_telling(short=short)} and contains(tokens.sentence, ' ' || terms.term || ' ')
            union
            select cells.patient_key, cells.value
            from cells
            inner join (
                select * from sentences where not regexp_full_match(sentence, '[ -~]*')
            ) as others on cells.value = others.value
            inner join (
                select * from terms where kind = 'name' and ascii(term) > {_LAST_LATIN}
            ) as names
                on cells.patient_key = names.patient_key and contains(others.sentence, names.term);
            """
        )
        hits = self._count(
            f"select count(*) from ({source}) as found"
            " where (patient_key, value) in (select patient_key, value from suspects)"
        )
        self._find(table, column, hits, "hold a term that identifies their patient")

    def _find_dates(self, table: str, column: str) -> None:
        name = sql.name(column)
        total = self._count(f"select count({name}) from {_build(table)}")
        hits = self._count(
            f"select count(*) from {_build(table)} as t where (patient_key, {name}::date) in"
            " (select patient_key, day from own_dates)"
        )
        if hits > DATE_SHARE * total:
            self._find(table, column, hits, "are dates of their patient as they were")

    def _count(self, query: str) -> int:
        row = self.connection.execute(query).fetchone()
        return int(row[0]) if row else 0


def _owners(columns: Iterable[str]) -> str:
    """Whose terms the rows of a table without patients are held against."""
    if "device_key" in columns:
        return (
            "select distinct device_key as owner, patient_key from build.processed.processed_images"
        )
    return "select distinct null as owner, patient_key from patient_keys"


def _telling(*, short: bool) -> str:
    """Against the terms of many patients short ones and ordinary words are bound to be met."""
    if short:
        return "true"
    return (
        "term not in (select word from words) and term not in (from ordinary_phrases) and"
        " (kind in ('name', 'person', 'place') and length(term) > 2"
        " or kind in ('id', 'contact') and length(term) > 5)"
    )


def _strings(sequence: str) -> str:
    """Strings of a sequence in DICOM JSON, but not its keys: the VR LO is not the patient Lo.

    Nor numbers, tags, and UIDs, dates and times where they have the form that cleaning gives them.
    """
    uid = f'"({_UID}|1[.]2[.]840[.]10008[.0-9]*)"'
    forms = [("UI", uid), ("DA|DT|TM", '"[0-9.:]+"'), ("AT", '"[0-9A-F]{8}"')]
    values = [f'"({vr})", "Value": [[](({form}|null)(, )?)*[]]' for vr, form in forms]
    head = '"[0-9A-F]{8}": [{]"vr": (' + "|".join([*values, '"[A-Z]{2}"(, "Value")?']) + ")"
    strings = """'"([^"\\\\]|\\\\.)*"'"""
    bare = f"regexp_replace({sequence}::varchar, {sql.text(head)}, '', 'g')"
    return f"list_transform(regexp_extract_all({bare}, {strings}), lambda x: x::json->>'$')"


def _stem(column: str) -> str:
    """The attribute behind ``first_patient_age`` and the like."""
    return column.removeprefix("first_").removeprefix("last_")


def _build(table: str) -> str:
    return f"build.{SCHEMA}.{sql.name(table)}"
