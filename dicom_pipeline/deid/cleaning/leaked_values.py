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
from dicom_pipeline.deid.cleaning.text_tokens import is_latin_script, text_tokens
from dicom_pipeline.deid.tokens import lowered

# a value that must be removed whoever the patient is
ANYBODY = "*"
DEVICES = "devices"
# letters of a name that is searched in the versions of all devices
_CLEAR_NAME = 5
_CLEAR_UNSPACED_NAME = 2
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
        ("forms", pa.string()),
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
        Columns ``device_key`` and ``patient_key``: the patients of each device. Their terms apply
        to its values; of other patients only names of five letters that are no allowed word.
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
    by_patient = _terms_by_patient(terms)
    if of_devices:
        names = _clear_names(by_patient.values(), allowed_words)
        rows |= {
            (value.table, ANYBODY, value.column, value.key)
            for value in of_devices
            if _has_name(value.value, names)
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
    for patient, own_terms in by_patient.items():
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
        Table, column and key of each value with a code that is kept, and the form of each of its
        codes (see `KeptCodes.form`), separated by backslashes.
    """
    converter = KeptCodes(TextCleaner(allowed_words), defined_terms)
    rows = []
    for value in _values_of(values):
        if value.kind is Kind.CODE:
            codes = value.value.split("\\") if value.is_array else [value.value]
            forms = [converter.form(code, value.attribute) for code in codes]
            if any(forms):
                rows.append((value.table, value.column, value.key, "\\".join(forms)))
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


def _clear_names(terms: Iterable[set[Term]], allowed_words: frozenset[str]) -> frozenset[str]:
    """Return the names of all patients that no version has by chance.

    The version of a program may have the name of a patient whom the file does not name.
    """
    return frozenset(
        term
        for of_patient in terms
        for kind, term in of_patient
        if kind in ("name", "person")
        and term not in allowed_words
        and len(term) >= (_CLEAR_NAME if is_latin_script(term) else _CLEAR_UNSPACED_NAME)
    )


def _has_name(value: str, names: frozenset[str]) -> bool:
    text = lowered(value)
    if not names.isdisjoint(text_tokens(text)):
        return True
    return not is_latin_script(text) and any(
        name in text for name in names if not is_latin_script(name)
    )


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
