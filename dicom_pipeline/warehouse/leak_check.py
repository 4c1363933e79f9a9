"""Leak check: the last check before publication for identity terms of patients in their own rows.

Belongs here: comparison of the processed tables with the identity terms of the raw zone. The check
shares no code with the cleaning of texts, so that an error there cannot hide itself.
Does not belong here: cleaning of texts (deid.cleaning), the decision to publish (orchestration),
values: findings are reported as table, column and count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.attribute_mapping import Attribute, AttributeMapping
from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.duckdb.catalog import tables
from dicom_pipeline.warehouse.duckdb.publish import SCHEMA, TECHNICAL
from dicom_pipeline.warehouse.patient_terms import load_terms

# if this share of a column was nulled, for this many patients, its mapping line is wrong
SYSTEMATIC_SHARE = 0.5
SYSTEMATIC_PATIENTS = 5
# a shifted date may equal another date of the patient by chance, but not one in five
DATE_SHARE = 0.2

_LETTERS = "[^ -@{-~\\[-`[:cntrl:]]"
_TOKENS = f"[0-9]+|{_LETTERS}+"
# in scripts without spaces (after this code point), a name may be inside a run of letters
_LAST_LATIN = 0x24F
_HASH = "[0-9a-f]{32}"
_UID = "2[.]25[.][0-9]+"
# standard UIDs of classes and syntaxes, which are not checked for terms such as 840
_ANY_UID = "[0-9.]{1,64}"
_AGE = "[0-9]{3}[YMWD]"
# derived columns: the attribute whose defined terms they have, and the column with column names
_DERIVED = {"modalities": "Modality", "software_version": "SoftwareVersions"}
_NAMES_COLUMNS = ("conflicting_attributes", "failed_casts", "leaked_cells")
# texts of the mapping, by column of the table deidentification
_MAPPING_TEXTS = {
    "column_name": "column",
    "attribute": "attribute",
    "accepted_risk": "accepted_risk",
}
# columns whose values are texts of the models, and the form of these texts
_MODEL_TEXTS = {
    "instance_precedence": f"[0-9]{{1,18}}-{_HASH}",
    "orientation_plane": "axial|coronal|sagittal|oblique",
    "table_name": "processed_[a-z]+",
}
_TEXTS = ("VARCHAR", "VARCHAR[]", "JSON")
_DATES = ("DATE", "TIMESTAMP")


@dataclass(frozen=True, order=True)
class Finding:
    """Number of cells of a column with a problem; tables of ``processed`` without the schema."""

    table: str
    column: str
    cells: int
    problem: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column}: {self.cells} cells {self.problem}"


@dataclass
class LeakReport:
    """Result of the leak check.

    Attributes
    ----------
    findings
        Problems that prevent publication.
    nulled
        Cells that stage set to null because they contained a term of the patient. They are not
        published, but many of them indicate a wrong mapping line.
    columns, patients, terms
        Numbers of checked columns, of patients, and of their terms.
    """

    findings: list[Finding] = field(default_factory=list)
    nulled: list[Finding] = field(default_factory=list)
    columns: int = 0
    patients: int = 0
    terms: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing prevents publication."""
        return not self.findings


def check_for_leaks(
    build: Path,
    vault: Path,
    raw_dir: Path,
    mapping: AttributeMapping,
    profile: Profile,
    schemas: Sequence[str] = (SCHEMA,),
) -> LeakReport:
    """Check every text and date of tables against the terms of the same patient.

    Terms match as whole tokens in their order. Keys, pseudonyms and UIDs must have the form of a
    keyed hash. Exempt are defined terms of the standard in code columns (body part HAND of a
    patient named Hand), and ordinary words in terms of places.

    Parameters
    ----------
    build, vault
        The databases that dbt builds in and attaches; both are opened read-only.
    raw_dir
        The raw zone, with the identity terms and the keys of patients.
    mapping, profile
        Attribute and de-identification function of each column, which determine its form.
    schemas
        Schemas whose tables are checked: ``processed``, and ``stage`` if its tables are sent to a
        server.

    Returns
    -------
    LeakReport
        Tables, columns and counts; never values.
    """
    with duckdb.connect() as connection:
        check = _Check(connection, mapping, profile)
        check.attach(build, vault)
        load_terms(connection, raw_dir)
        check.count_terms()
        for schema in schemas:
            for table in check.tables(schema):
                check.check_table(schema, table)
        check.check_stage()
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

    def tables(self, schema: str = SCHEMA) -> list[str]:
        return [name for _, name in tables(self.connection, schema, database="build")]

    def check_table(self, schema: str, table: str) -> None:
        """Check every text and date column of one table."""
        columns = self._columns(schema, table)
        # the schema is named where two tables could have the name
        relation = table if schema == SCHEMA else f"{schema}.{table}"
        # attributes of patients that change between visits are columns of studies
        own_attributes = self.mapping.table(table.partition("_")[2])
        attributes = {a.column: a for a in (*self.mapping.attributes, *own_attributes)}
        self.connection.execute(f"create or replace temp table owners as {_owners(columns)}")
        own = "patient_key" in columns
        for column, type_ in columns.items():
            if column in TECHNICAL:
                continue
            self.report.columns += 1
            attribute = attributes.get(_stem(column))
            form = self._form(table, column, attribute)
            if column in _NAMES_COLUMNS:
                self._find(relation, column, self._unnamed(relation, column), "name no column")
            elif form is not None:
                self._find(
                    relation,
                    column,
                    self._malformed(relation, column, form),
                    "do not have the form that they should",
                )
            elif type_ in _TEXTS and own:
                source = f"select patient_key, {sql.name(column)} as value from {_build(relation)}"
                self._find_terms(relation, column, type_, source, attribute, short=True)
            elif type_ in _TEXTS:
                key = "device_key" if "device_key" in columns else "null"
                source = (
                    f"select owners.patient_key, rows.value from (select {key} as owner,"
                    f" {sql.name(column)} as value from {_build(relation)}) as rows"
                    " inner join owners on rows.owner is not distinct from owners.owner"
                )
                self._find_terms(relation, column, type_, source, attribute, short=False)
            elif type_ in _DATES and own:
                self._find_dates(relation, column)

    def check_stage(self) -> None:
        """Count nulled cells in stage; too many in one column are a finding."""
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

    def _form(self, table: str, column: str, attribute: Attribute | None) -> str | None:
        if table == "deidentification" and column in _MAPPING_TEXTS:
            # an operator wrote them, so a word may equal the name of a patient
            field = _MAPPING_TEXTS[column]
            return "|".join({re.escape(getattr(a, field)) for a in self.mapping.attributes})
        if column.endswith("_key"):
            return _HASH
        if column == "key_id":
            return "[0-9a-f]+"
        if column == "transfer_syntax_uid":
            return _ANY_UID
        if column == "column_name":
            return "|".join(
                name for table in self.tables() for name in self._columns(SCHEMA, table)
            )
        if column in _MODEL_TEXTS:
            return _MODEL_TEXTS[column]
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
        """Compare tokens of distinct values with the terms of the patients with these values."""
        elements = {"VARCHAR[]": "value", "JSON": _strings("value")}.get(type_, "[value]")
        exempt = attribute.attribute if attribute else _DERIVED.get(column, column)
        # codes in sequences: the defined terms of all attributes are exempt
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
            where {_applicable(short=short)} and contains(tokens.sentence, ' ' || terms.term || ' ')
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
    """Return SQL for the patients whose terms apply to rows of a table without patient keys."""
    if "device_key" in columns:
        return (
            "select distinct device_key as owner, patient_key from build.processed.processed_images"
        )
    return "select distinct null as owner, patient_key from patient_keys"


def _applicable(*, short: bool) -> str:
    """Return an SQL condition on terms.

    With ``short`` all terms apply. Otherwise short terms and ordinary words are excluded: rows are
    compared with the terms of many patients, which would match them by chance.
    """
    if short:
        return "true"
    return (
        "term not in (select word from words) and term not in (from ordinary_phrases) and"
        " (kind in ('name', 'person', 'place') and length(term) > 2"
        " or kind in ('id', 'contact') and length(term) > 5)"
    )


def _strings(sequence: str) -> str:
    """Return SQL for the strings of a sequence in DICOM JSON (PS3.18).

    Excluded are keys, since the VR LO is not the patient Lo, and numbers, tags, and UIDs, dates
    and times that have the form of cleaned values.
    """
    uid = f'"({_UID}|1[.]2[.]840[.]10008[.0-9]*)"'
    forms = [("UI", uid), ("DA|DT|TM", '"[0-9.:]+"'), ("AT", '"[0-9A-F]{8}"')]
    values = [f'"({vr})", "Value": [[](({form}|null)(, )?)*[]]' for vr, form in forms]
    head = '"[0-9A-F]{8}": [{]"vr": (' + "|".join([*values, '"[A-Z]{2}"(, "Value")?']) + ")"
    strings = """'"([^"\\\\]|\\\\.)*"'"""
    bare = f"regexp_replace({sequence}::varchar, {sql.text(head)}, '', 'g')"
    return f"list_transform(regexp_extract_all({bare}, {strings}), lambda x: x::json->>'$')"


def _stem(column: str) -> str:
    """Strip ``first_`` or ``last_`` from a column name."""
    return column.removeprefix("first_").removeprefix("last_")


def _build(relation: str) -> str:
    schema, _, table = relation.rpartition(".")
    return f"build.{schema or SCHEMA}.{sql.name(table)}"
