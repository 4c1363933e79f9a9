"""Pseudonyms of identifiers in the published tables, computed like the dbt macros.

Belongs here: entity keys, pseudonyms and UIDs, for linking a cohort with the key.
Does not belong here: the keyed hash and the key (deid.keys, warehouse.vault), and reading tables.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.deid.identifiers import Identifier, IdentifierKind
from dicom_pipeline.deid.keys import Secret, keyed_hash

SURROGATE_KEYS_CSV = DBT_PROJECT_DIR / "seeds" / "surrogate_key_mapping.csv"


class Pseudonyms:
    """Pseudonyms under one key.

    Parameters
    ----------
    secret
        The derived keys.
    surrogate_keys_csv
        The seed with the columns of each entity key.
    """

    def __init__(self, secret: Secret, surrogate_keys_csv: Path = SURROGATE_KEYS_CSV) -> None:
        self.secret = secret
        self._alternatives: dict[str, dict[str, list[tuple[str, bool]]]] = {}
        with surrogate_keys_csv.open(newline="", encoding="utf-8") as file:
            lines = sorted(csv.DictReader(file), key=lambda line: int(line["position"]))
        for line in lines:
            column = (line["key_column"], line["required"].lower() == "true")
            alternatives = self._alternatives.setdefault(line["key_name"], {})
            alternatives.setdefault(line["alternative"], []).append(column)

    def id(self, domain: str, value: str) -> str:
        """Return 128 bits of the keyed hash as 32 hex digits, like ``deid.keyed_id`` in SQL."""
        return keyed_hash(self.secret, domain, value)[:32]

    def uid(self, value: str) -> str:
        """Return the replacement of a UID (``2.25.…``), like ``deid.uid`` in SQL."""
        digits = keyed_hash(self.secret, "uid", value)
        return f"2.25.{2**60 + int(digits[:15], 16)}{int(digits[15:30], 16):019d}"

    def entity_key(self, name: str, values: Mapping[str, str | None]) -> str | None:
        """Return the key of an entity, like the macro ``entity_key``.

        Parameters
        ----------
        name
            ``patient_key``, ``study_key``, ...
        values
            Values of the raw key columns; a missing column counts as null.

        Returns
        -------
        str or None
            32 hex digits; None if no alternative has all of its required columns.
        """
        for alternative, columns in sorted(self._alternatives[name].items()):
            if any(required and values.get(column) is None for column, required in columns):
                continue
            parts = [alternative]
            for column, _ in columns:
                value = values.get(column)
                parts.append("-" if value is None else f"{len(value)}:{value}")
            return self.id(name, "".join(parts))
        return None

    def entity_key_sql(self, name: str) -> str:
        """Return an SQL expression for the key of an entity.

        The expression uses the raw key columns and the columns ``ki`` and ``ko``.

        Parameters
        ----------
        name
            ``image_key``, ``series_key``, ...
        """
        cases = []
        for alternative, columns in sorted(self._alternatives[name].items()):
            required = " and ".join(f"{c} is not null" for c, wanted in columns if wanted)
            parts = (f"coalesce(length({c}) || ':' || {c}, '-')" for c, _ in columns)
            cases.append(f"when {required} then '{alternative}' || {' || '.join(parts)}")
        value = f"case {' '.join(cases)} end"
        return f"left(sha256(ko || sha256(ki || '{name}|' || {value})), 32)"

    def of(self, identifier: Identifier) -> dict[str, str]:
        """Return the pseudonyms of an identifier, by the names of their columns.

        A Patient ID without an issuer is that of a patient whose files have no issuer.
        """
        value = identifier.value
        if identifier.kind is IdentifierKind.PATIENT:
            keys = {"key_patient_id": value, "key_issuer_of_patient_id": identifier.issuer}
            found = {
                "patient_key": self.entity_key("patient_key", keys),
                "patient_id": self.id("PatientID", value),
            }
        elif identifier.kind is IdentifierKind.STUDY:
            found = {
                "study_key": self.entity_key("study_key", {"key_study": value}),
                "study_instance_uid": self.uid(value),
            }
        elif identifier.kind is IdentifierKind.UID:
            found = {"uid": self.uid(value)}
        else:
            found = {"accession_number": self.id("AccessionNumber", value)}
        return {column: pseudonym for column, pseudonym in found.items() if pseudonym is not None}
