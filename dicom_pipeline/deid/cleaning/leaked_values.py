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

from dicom_pipeline.deid.cleaning.kept_codes import KeptCodes
from dicom_pipeline.deid.cleaning.kept_values import KeptValues, Kind, digits_of_date, kind_of
from dicom_pipeline.deid.cleaning.own_terms import OwnTerms, Term, parse_terms
from dicom_pipeline.deid.cleaning.text_cleaning import TextCleaner
from dicom_pipeline.deid.cleaning.text_tokens import text_tokens
from dicom_pipeline.deid.tokens import lowered

# a value that must be removed whoever the patient is
ANYBODY = "*"
DEVICES = "devices"
LEAKS = pa.schema(
    [
        ("table_name", pa.string()),
        ("owner_key", pa.string()),
        ("column_name", pa.string()),
        ("value_key", pa.string()),
    ]
)
CODES = pa.schema(
    [
        ("table_name", pa.string()),
        ("column_name", pa.string()),
        ("value_key", pa.string()),
        ("code", pa.string()),
    ]
)


class _Value(NamedTuple):
    table: str
    column: str
    attribute: str
    is_array: bool
    kind: Kind
    device: str | None
    key: str
    value: str


def find_leaked_values(
    values: pa.Table,
    terms: pa.Table,
    users: pa.Table,
    allowed_words: frozenset[str],
    defined_terms: Mapping[str, frozenset[str]],
) -> pa.Table:
    """Find the kept values that identify their patient, or have the form of an identifier.

    Parameters
    ----------
    values
        Columns ``table_name``, ``column_name``, ``attribute``, ``function``, ``is_array``,
        ``device_key``, ``value_key`` and ``value``: the distinct kept values of all patients, and
        of each device.
    terms
        Columns ``patient_key`` and ``terms`` of all patients.
    users
        Columns ``device_key`` and ``patient_key``: the patients of each device, whose terms apply
        to its values.
    allowed_words
        Words that identify nobody.
    defined_terms
        Values that the standard defines, by the keyword of their attribute.

    Returns
    -------
    pyarrow.Table
        Table, owner, column and key of each value to remove. The owner is a patient, a device in
        the table of devices, or `ANYBODY` for a value that is removed from all rows.
    """
    judge = KeptValues(TextCleaner(allowed_words), defined_terms)
    listed = _values_of(values)
    of_devices = [value for value in listed if value.table == DEVICES]
    rows = {
        (value.table, ANYBODY, value.column, value.key)
        for value in listed
        if judge.has_identifier(value.value, value.attribute, value.kind, is_array=value.is_array)
    }

    def leaks(own: OwnTerms, index: _Index) -> Iterator[_Value]:
        for value in index.candidates(own):
            if judge.names_patient(
                value.value, value.attribute, own, value.kind, is_array=value.is_array
            ):
                yield value

    devices = {value.device for value in of_devices}
    devices_of: dict[str, set[str]] = {}
    pairs = (users[name].to_pylist() for name in ("device_key", "patient_key"))
    for device, patient in zip(*pairs, strict=True):
        if device in devices:
            devices_of.setdefault(patient, set()).add(device)
    index = _Index(value for value in listed if value.table != DEVICES)
    index_of_devices = _Index(of_devices)
    for patient, own_terms in _terms_by_patient(terms).items():
        own = OwnTerms.of_patient(own_terms, allowed_words)
        rows |= {(v.table, patient, v.column, v.key) for v in leaks(own, index)}
        if used := devices_of.get(patient):
            own = OwnTerms.of_devices(own_terms, allowed_words)
            rows |= {
                (value.table, value.device, value.column, value.key)
                for value in leaks(own, index_of_devices)
                if value.device in used
            }
    return _table(sorted(rows), LEAKS)


def find_kept_codes(
    values: pa.Table, allowed_words: frozenset[str], defined_terms: Mapping[str, frozenset[str]]
) -> pa.Table:
    """Return the form in which each code is kept, whoever the patient is.

    Parameters
    ----------
    values, allowed_words, defined_terms
        As for `find_leaked_values`.

    Returns
    -------
    pyarrow.Table
        Table, column and key of each code that is kept, and the code; several codes of one
        element are separated by backslashes.
    """
    converter = KeptCodes(TextCleaner(allowed_words), defined_terms)
    rows = []
    for value in _values_of(values):
        if value.kind is Kind.CODE:
            convert = converter.codes if value.is_array else converter.code
            if (code := convert(value.value, value.attribute)) is not None:
                rows.append((value.table, value.column, value.key, code))
    return _table(rows, CODES)


def _values_of(values: pa.Table) -> list[_Value]:
    names = (
        "table_name", "column_name", "attribute", "function", "is_array", "device_key",
        "value_key", "value",
    )  # fmt: skip
    return [
        _Value(table, column, attribute, is_array, kind_of(table, attribute, function), *others)
        for table, column, attribute, function, is_array, *others in zip(
            *(values[name].to_pylist() for name in names), strict=True
        )
    ]


def _terms_by_patient(terms: pa.Table) -> Mapping[str, set[Term]]:
    found: dict[str, set[Term]] = {}
    columns = (terms[name].to_pylist() for name in ("patient_key", "terms"))
    for patient, lines in zip(*columns, strict=True):
        found.setdefault(patient, set()).update(parse_terms(lines))
    return found


def _table(rows: Iterable[tuple[str | None, ...]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [() for _ in schema]
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=schema)


class _Index:
    """Values by their tokens and by the digits of a date, and those in other scripts than ASCII."""

    def __init__(self, values: Iterable[_Value]) -> None:
        self._by_token: dict[str, list[_Value]] = {}
        self._by_date: dict[str, list[_Value]] = {}
        self._others: list[_Value] = []
        for value in values:
            for token in set(text_tokens(lowered(value.value))):
                self._by_token.setdefault(token, []).append(value)
            for element in value.value.split("\\") if value.is_array else [value.value]:
                if digits := digits_of_date(element):
                    self._by_date.setdefault(digits, []).append(value)
            if not value.value.isascii():
                self._others.append(value)

    def candidates(self, own: OwnTerms) -> set[_Value]:
        """Return the values that may contain a term."""
        found = {
            value
            for first in own.kept_phrases.keys() & self._by_token.keys()
            for value in self._by_token[first]
        }
        for day in own.dates.complete & self._by_date.keys():
            found.update(self._by_date[day])
        return found.union(self._others) if own.kept_unspaced else found
