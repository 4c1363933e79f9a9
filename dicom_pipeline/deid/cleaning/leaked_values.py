"""Kept values that identify somebody: what the dbt model ``leaked_values`` contains.

Belongs here: finding them among the distinct values of all patients.
Does not belong here: the judgement of one value (kept_values), SQL (the dbt models).

Values are few and terms are many, so values are indexed by their tokens and each patient's terms
are looked up in the index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import pyarrow as pa

from dicom_pipeline.deid.cleaning.cleaned_texts import NOBODY
from dicom_pipeline.deid.cleaning.kept_values import is_leaked
from dicom_pipeline.deid.cleaning.own_terms import OwnTerms, Term, parse_terms
from dicom_pipeline.deid.cleaning.text_tokens import text_tokens
from dicom_pipeline.deid.tokens import lowered

# a value that must be removed whoever the patient is
ANYBODY = "*"
DEVICES = "devices"
SCHEMA = pa.schema(
    [
        ("table_name", pa.string()),
        ("patient_key", pa.string()),
        ("column_name", pa.string()),
        ("value_key", pa.string()),
    ]
)
_NO_TERMS = OwnTerms.of_patient((), ())


class _Value(NamedTuple):
    table: str
    column: str
    attribute: str
    is_array: bool
    key: str
    value: str


def find_leaked_values(
    values: pa.Table,
    terms: pa.Table,
    allowed_words: frozenset[str],
    defined_terms: Mapping[str, frozenset[str]],
) -> pa.Table:
    """Find the kept values that identify their patient, or have the form of an identifier.

    Parameters
    ----------
    values
        Columns ``table_name``, ``column_name``, ``attribute``, ``is_array``, ``value_key`` and
        ``value``: the distinct kept values of all patients.
    terms
        Columns ``patient_key`` and ``terms`` of all patients.
    allowed_words
        Words that identify nobody.
    defined_terms
        Values that the standard defines, by the keyword of their attribute.

    Returns
    -------
    pyarrow.Table
        Table, patient, column and key of each value to remove. The patient is `ANYBODY` for a
        value that is removed from the rows of all patients, and empty for devices.
    """
    names = ("table_name", "column_name", "attribute", "is_array", "value_key", "value")
    listed = [
        _Value(*row) for row in zip(*(values[name].to_pylist() for name in names), strict=True)
    ]
    by_patient: dict[str, set[Term]] = {}
    columns = (terms[name].to_pylist() for name in ("patient_key", "terms"))
    for patient, lines in zip(*columns, strict=True):
        by_patient.setdefault(patient, set()).update(parse_terms(lines))
    of_devices = [value for value in listed if value.table == DEVICES]
    of_patients = [value for value in listed if value.table != DEVICES]
    everybody = set[Term]().union(*by_patient.values()) if of_devices else set()

    def leaks(patient: str, own: OwnTerms, index: _Index) -> Iterator[tuple[str, str, str, str]]:
        for value in index.candidates(own):
            defined = defined_terms.get(value.attribute, frozenset())
            if is_leaked(value.value, own, defined, is_array=value.is_array, is_code=False):
                yield (value.table, patient, value.column, value.key)

    rows = [
        (value.table, ANYBODY, value.column, value.key)
        for value in of_patients
        if is_leaked(
            value.value,
            _NO_TERMS,
            defined_terms.get(value.attribute, frozenset()),
            is_array=value.is_array,
            is_code=True,
        )
    ]
    index = _Index(of_patients)
    for patient, own_terms in by_patient.items():
        rows += leaks(patient, OwnTerms.of_patient(own_terms, allowed_words), index)
    own = OwnTerms.of_devices(everybody, allowed_words)
    rows += leaks(NOBODY, own, _Index(of_devices))
    columns_of = zip(*rows, strict=True) if rows else [() for _ in SCHEMA]
    return pa.table([pa.array(column, pa.string()) for column in columns_of], schema=SCHEMA)


class _Index:
    """Values by their tokens, and those in other scripts than ASCII."""

    def __init__(self, values: Iterable[_Value]) -> None:
        self._by_token: dict[str, list[_Value]] = {}
        self._others: list[_Value] = []
        for value in values:
            for token in set(text_tokens(lowered(value.value))):
                self._by_token.setdefault(token, []).append(value)
            if not value.value.isascii():
                self._others.append(value)

    def candidates(self, own: OwnTerms) -> set[_Value]:
        """Return the values that may contain a term."""
        found = {
            value
            for first in own.kept_phrases.keys() & self._by_token.keys()
            for value in self._by_token[first]
        }
        return found.union(self._others) if own.kept_unspaced else found
