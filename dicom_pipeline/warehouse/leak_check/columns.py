"""Columns of the checked tables, and how each is checked.

Belongs here: which rule applies to a column, by its name, its type and its line of the mapping.
Does not belong here: the comparison with the patients' terms (search, dates).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import duckdb

from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.attribute_mapping import Attribute, AttributeMapping
from dicom_pipeline.mapping.defined_terms import terms_keyword
from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.duckdb.publish import SCHEMA, TECHNICAL

STAGE = "stage"

_HASH = "[0-9a-f]{32}"
UID = "2[.]25[.][0-9]+"
# standard UIDs of classes and syntaxes, which are not checked for terms such as 840
_ANY_UID = "[0-9.]{1,64}"
_AGE = "0[0-8][0-9]Y|090Y|[0-9]{3}[MWD]"
# a number of years as text; columns that models compute from an age
_YEARS = "[0-8]?[0-9][.][0-9]{1,2}|90[.]0"
_AGES_IN_YEARS = ("age_years", "first_age_years", "last_age_years")
# derived columns: the attribute whose defined terms they have, and the column with column names
_DERIVED = {"modalities": "Modality", "software_version": "SoftwareVersions"}
_NAMES_COLUMNS = ("conflicting_attributes", "failed_casts", "leaked_cells")
# texts of the mapping, by column of the table deidentification, which has values of seeds only
_DEIDENTIFICATION = "deidentification"
_MAPPING_TEXTS = {
    "column_name": "column",
    "attribute": "attribute",
    "accepted_risk": "accepted_risk",
}
# columns whose values are texts of the models, and the form of these texts
_MODEL_TEXTS = {
    "base_version": _HASH,
    "stage_version": _HASH,
    "instance_precedence": f"[0-9]{{18}}-[0-9]{{18}}-{_HASH}",
    "version_created": "[0-9]{18}",
    "version_file_time": "[0-9]{18}",
    "orientation_plane": "axial|coronal|sagittal|oblique",
    "table_name": "processed_[a-z]+",
}
_TEXTS = ("VARCHAR", "VARCHAR[]", "JSON")
_NUMBERS = re.compile(r"(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|FLOAT|DOUBLE|DECIMAL.*)(\[\])?")
_DATES = re.compile(r"(DATE|TIMESTAMP)(\[\])?")


class Rule(StrEnum):
    """How the values of a column are checked."""

    FORM = "form"  # of a keyed hash, a UID, an age, or a text of a model
    NAMES = "names"  # of columns
    TERMS = "terms"  # of the patient must not occur
    NUMBERS = "numbers"  # of the patient's identifiers and dates must not occur
    DATES = "dates"  # true dates must not occur


class Owner(StrEnum):
    """Whose terms a row is compared with; the value names the temporary tables (terms)."""

    PATIENT = "patient"
    DEVICE = "device"  # of all patients that used the device
    ANYBODY = "anybody"  # of all patients


@dataclass(frozen=True)
class Column:
    """A column of a table, and its rule.

    Attributes
    ----------
    schema, table, name, type
        Of the column in the build database.
    owner
        Whose terms apply.
    rule
        The rule; None if the values are not checked.
    attribute
        Its line of the mapping; None if it has none.
    form
        Pattern of all values; empty except for the rule FORM.
    exempt
        Whether the site accepted the risk of its values, so that they are not compared.
    """

    schema: str
    table: str
    name: str
    type: str
    owner: Owner
    rule: Rule | None
    attribute: Attribute | None = None
    form: str = ""
    exempt: bool = False

    @property
    def relation(self) -> str:
        """The table in SQL."""
        return f"build.{self.schema}.{sql.name(self.table)}"

    @property
    def shown_table(self) -> str:
        """Name in reports; the schema is named where two tables could have the name."""
        return self.table if self.schema == SCHEMA else f"{self.schema}.{self.table}"

    @property
    def subject(self) -> str:
        """SQL of the patient or device of a row."""
        return {Owner.ANYBODY: "''"}.get(self.owner, f"{self.owner}_key")

    @property
    def row_key(self) -> str:
        """SQL of the key of a staged row."""
        return "header_key" if self.table == "staged_images" else "row_key"

    @property
    def entity(self) -> str:
        """Table of the mapping: ``images`` for ``staged_images``."""
        return self.table.partition("_")[2]

    @property
    def terms_attribute(self) -> str:
        """Attribute with the defined terms of the column."""
        if self.attribute is not None:
            return terms_keyword(self.attribute.attribute)
        return _DERIVED.get(self.name, self.name)

    @property
    def elements(self) -> str:
        """SQL of the list of elements of the expression ``value``."""
        return "value" if self.type.endswith("[]") else "[value]"


class Columns:
    """Reader of the columns of the build database, which is attached as ``build``."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, mapping: AttributeMapping, profile: Profile
    ) -> None:
        self._mapping = mapping
        self._profile = profile
        self._connection = connection
        self._types: dict[tuple[str, str], dict[str, str]] = {}
        rows = connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns()"
            " join duckdb_tables() using (database_name, schema_name, table_name)"
            " where database_name = 'build' and schema_name in (?, ?)"
            " order by schema_name, table_name, column_index",
            [STAGE, SCHEMA],
        ).fetchall()
        for schema, table, column, type_ in rows:
            self._types.setdefault((schema, table), {})[column] = type_

    def tables(self, schema: str) -> list[str]:
        """Return the tables of a schema, without views."""
        return [table for found, table in self._types if found == schema]

    def of(self, schema: str, table: str) -> list[Column]:
        """Return the columns of a table with their rules; not the technical ones of processed."""
        types = self._types[schema, table]
        return [
            self._column(schema, table, name, type_)
            for name, type_ in types.items()
            if schema == STAGE or name not in TECHNICAL
        ]

    def filled(self, schema: str, table: str) -> list[Column]:
        """Return the columns that have a value: of a small archive, half of them have none."""
        columns = self.of(schema, table)
        counts = ", ".join(f"count({sql.name(column.name)})" for column in columns)
        [values] = self._connection.execute(
            f"select {counts} from {columns[0].relation}"
        ).fetchall()
        return [column for column, count in zip(columns, values, strict=True) if count]

    def _column(self, schema: str, table: str, name: str, type_: str) -> Column:
        attribute = self._attribute(schema, table, name)
        form = self._form(schema, table, name, attribute)
        types = self._types[schema, table]
        owner = Owner.ANYBODY
        if "patient_key" in types:
            owner = Owner.PATIENT
        elif "device_key" in types:
            owner = Owner.DEVICE
        exempt = self._is_exempt(name, attribute)
        rule: Rule | None = None
        if name in _NAMES_COLUMNS:
            rule = Rule.NAMES
        elif form:
            rule, exempt = Rule.FORM, False
        elif exempt or table == _DEIDENTIFICATION:
            rule = None
        elif type_ in _TEXTS:
            rule = Rule.TERMS
        elif _NUMBERS.fullmatch(type_) and attribute is not None:
            rule = Rule.NUMBERS
        elif _DATES.fullmatch(type_):
            rule = Rule.DATES
        return Column(schema, table, name, type_, owner, rule, attribute, form, exempt)

    def _attribute(self, schema: str, table: str, name: str) -> Attribute | None:
        own = {a.column: a for a in self._mapping.table(table.partition("_")[2])}
        if schema == STAGE:
            return own.get(name)
        # attributes of patients that change between visits are columns of studies
        stem = name.removeprefix("first_").removeprefix("last_")
        return ({a.column: a for a in self._mapping.attributes} | own).get(stem)

    def _is_exempt(self, name: str, attribute: Attribute | None) -> bool:
        """Return whether the site accepted the risk of the values of a column."""
        derived = [a for a in self._mapping.attributes if a.attribute == _DERIVED.get(name)]
        return any(
            a.accepted_risk and a.has_accepted_risk(self._profile)
            for a in ([attribute] if attribute else derived)
        )

    def _form(self, schema: str, table: str, name: str, attribute: Attribute | None) -> str:
        if table == _DEIDENTIFICATION and name in _MAPPING_TEXTS:
            # an operator wrote them, so a word may equal the name of a patient
            field = _MAPPING_TEXTS[name]
            return "|".join({re.escape(getattr(a, field)) for a in self._mapping.attributes})
        if name.endswith("_key"):
            return _HASH
        if name == "key_id":
            return "[0-9a-f]+"
        if name == "transfer_syntax_uid":
            return _ANY_UID
        if name == "column_name":
            columns = {name for (found, _), names in self._types.items() if found == SCHEMA
                       for name in names}  # fmt: skip
            return "|".join(sorted(columns))
        if name in _MODEL_TEXTS:
            return _MODEL_TEXTS[name]
        if name in _AGES_IN_YEARS and schema == SCHEMA:
            ages = [a for a in self._mapping.table("patients") if a.attribute == "PatientAge"]
            return "" if any(a.has_accepted_risk(self._profile) for a in ages) else _YEARS
        if attribute is None:
            return ""
        function = getattr(attribute, self._profile)
        if attribute.path.vr == "UI" and function == "keep":
            return _ANY_UID
        return {"pseudonym": _HASH, "uid": UID, "age_cap": _AGE}.get(function, "")
