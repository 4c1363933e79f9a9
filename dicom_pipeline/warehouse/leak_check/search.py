"""Values of a column that identify their patient, or do not have the form of the column.

Belongs here: comparison of the distinct pairs of patient and value with terms, numbers and forms.
Does not belong here: which rule applies (columns), the terms (terms), dates, whose true value is
in the raw zone (dates), rows (check).

Rows are many and values are few, so each function compares distinct values. It writes those that
are suspect into the temporary table ``suspects``, with the subject (patient or device).
"""

from __future__ import annotations

import duckdb

from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.leak_check.columns import UID, Column, Rule
from dicom_pipeline.warehouse.leak_check.terms import (
    LAST_LATIN,
    MIN_NUMBER_DIGITS,
    number_forms,
)

_LETTERS = "[^ -@{-~\\[-`[:cntrl:]]"
_TOKENS = f"[0-9]+|{_LETTERS}+"
# a string in JSON, as a text in SQL
_STRING = """'"([^"\\\\]|\\\\.)*"'"""


def find_suspects(
    connection: duckdb.DuckDBPyConnection, column: Column, known_names: frozenset[str]
) -> bool:
    """Write the suspect values of a column into ``suspects``; return whether there are any.

    Parameters
    ----------
    connection
        Connection with the databases and the tables of `terms.load_terms`.
    column
        A column with one of the rules FORM, NAMES, TERMS and NUMBERS.
    known_names
        Names of columns, for the rule NAMES.
    """
    cells = (
        f"(select {column.subject} as subject, {sql.name(column.name)} as value"
        f" from {column.relation} where value is not null) as cells"
    )
    if column.rule is Rule.TERMS:
        connection.execute(
            f"create or replace temp table cells as select distinct subject, value from {cells}"
        )
        _find_terms(connection, column)
    else:  # few values pass the condition, so it is cheaper on all rows
        connection.execute(
            f"create or replace temp table suspects as select distinct subject, value from {cells}"
            f" where {_condition(column, known_names)}"
        )
    return connection.execute("select 1 from suspects limit 1").fetchone() is not None


def _condition(column: Column, known_names: frozenset[str]) -> str:
    """Return SQL for the condition under which a row of ``cells`` is suspect."""
    if column.rule is Rule.NUMBERS:
        number, least = "try_cast(x as hugeint)", f"1e{MIN_NUMBER_DIGITS - 1}"
        greatest = "list_max(value)" if column.type.endswith("[]") else "value"
        # a number as text has no leading zeros, as in the table of numbers
        return (
            f"{greatest} >= {least} and exists (select 1 from numbers_of_{column.owner} as own"
            f" where own.subject = cells.subject and list_contains(flatten(list_transform("
            f"list_filter({column.elements}, lambda x: {number} = x and x >= {least}),"
            f" lambda x: {number_forms(number)})), own.number))"
        )
    if column.rule is Rule.NAMES:
        known = ", ".join(sorted(map(sql.text, known_names)))
        return f"len(list_filter({column.elements}, lambda x: x not in ({known}))) > 0"
    form = sql.text(column.form)
    return (
        f"len(list_filter({column.elements}, lambda x: not regexp_full_match(x::varchar, {form})))"
        " > 0"
    )


def _find_terms(connection: duckdb.DuckDBPyConnection, column: Column) -> None:
    """Find values with terms, which match as whole tokens in their order.

    Exempt are defined terms of the standard in code columns (body part HAND of a patient named
    Hand). A removed word is no term of a patient named Removed.
    """
    is_json = column.type == "JSON"
    elements = _strings("value") if is_json else column.elements
    # codes in sequences: the defined terms of all attributes are exempt
    exempted = "true" if is_json else f"attribute = {sql.text(column.terms_attribute)}"
    terms = f"terms_of_{column.owner}"
    connection.execute(
        f"""
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
        select distinct cells.subject, cells.value
        from cells
        inner join tokens on cells.value = tokens.value
        inner join {terms} as terms
            on cells.subject = terms.subject and tokens.token = terms.first_token
        where contains(tokens.sentence, ' ' || terms.term || ' ')
        union
        select cells.subject, cells.value
        from cells
        inner join (
            select * from sentences where not regexp_full_match(sentence, '[ -~]*')
        ) as others on cells.value = others.value
        inner join (
            select * from {terms} where kind = 'name' and ascii(term) > {LAST_LATIN}
        ) as names
            on cells.subject = names.subject and contains(others.sentence, names.term);
        """
    )
    if is_json:
        _find_numbers_in_sequences(connection, column)


def _find_numbers_in_sequences(connection: duckdb.DuckDBPyConnection, column: Column) -> None:
    """Add the sequences with a number of the patient's identifiers and dates to the suspects."""
    number = "'-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?'"
    connection.execute(
        f"""
        create or replace temp table numbers_in_sequences as
        with numbers as (
            select value, unnest(regexp_extract_all(
                regexp_replace(value::varchar, {_STRING}, '', 'g'), {number}
            )) as text
            from (select distinct value from cells)
        ),
        whole as (
            select value, case
                when regexp_full_match(text, '[0-9]+') then try_cast(text as hugeint)
                when try_cast(text as double) % 1 = 0
                    then try_cast(try_cast(text as double) as hugeint)
            end as number
            from numbers
        )
        select distinct value, unnest({number_forms("number")}) as number from whole
        where number >= 1e{MIN_NUMBER_DIGITS - 1};

        insert into suspects
        select distinct cells.subject, cells.value
        from cells
        inner join numbers_in_sequences as found on cells.value = found.value
        inner join numbers_of_{column.owner} as own
            on cells.subject = own.subject and found.number = own.number
        where not exists (
            select 1 from suspects as s where s.subject = cells.subject and s.value = cells.value
        )
        """
    )


def _strings(sequence: str) -> str:
    """Return SQL for the strings of a sequence in DICOM JSON (PS3.18).

    Excluded are keys, since the VR LO is not the patient Lo, and numbers, tags, and UIDs, dates
    and times that have the form of cleaned values.
    """
    uid = f'"({UID}|1[.]2[.]840[.]10008[.0-9]*)"'
    forms = [("UI", uid), ("DA|DT|TM", '"[0-9.:]+"'), ("AT", '"[0-9A-F]{8}"')]
    values = [f'"({vr})", "Value": [[](({form}|null)(, )?)*[]]' for vr, form in forms]
    head = '"[0-9A-F]{8}": [{]"vr": (' + "|".join([*values, '"[A-Z]{2}"(, "Value")?']) + ")"
    bare = f"regexp_replace({sequence}::varchar, {sql.text(head)}, '', 'g')"
    return f"list_transform(regexp_extract_all({bare}, {_STRING}), lambda x: x::json->>'$')"
