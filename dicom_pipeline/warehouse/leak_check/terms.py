"""Identity terms by patient key, as temporary tables for the leak check.

Belongs here: reading the identity terms of the raw zone into a connection.
Does not belong here: the comparison with tables (search, dates), cleaning of texts
(deid.cleaning), extraction of the terms (deid.identity_terms).
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from dicom_pipeline.warehouse.duckdb import sql

_MIN_DIGITS = 4  # shorter numbers appear in too many texts
# in scripts without spaces (after this code point), a name may be inside a run of letters
LAST_LATIN = 0x24F
# a number that equals a shorter identifier, or a shorter form of a date, does so by chance
_MIN_ID_DIGITS = 6
MIN_NUMBER_DIGITS = 5
# Rows of devices are compared with the terms of many patients, which would match them by chance:
# short terms, dates and ordinary words do not apply.
_STRICT = (
    "term not in (select word from words) and term not in (from ordinary_phrases) and"
    " (kind in ('name', 'person', 'place') and length(term) > 2"
    " or kind in ('id', 'contact') and length(term) > 5)"
)
# of numbers that are the timestamp of a day
DAY_MARK = "day "
# Days from what programs count days from to 1970: Unix, spreadsheets, the modified Julian day, the
# Julian day, Python and MATLAB.
_DAYS_BEFORE_1970 = (0, 25_569, 24_107, 40_587, 2_440_588, 719_163, 719_529)
# Units in one second, numbers of digits, and days from what is counted from to 1970: Unix, network
# time, Mac, satellites and Apple's libraries; parts of seconds; Windows, from 1601 and the year 1.
_CLOCKS = (
    (1, (9, 10), (0, 25_567, 24_107, -3_657, -11_323)),
    (10**3, (12, 13), (0,)),
    (10**6, (15, 16), (0,)),
    (10**9, (18, 19), (0,)),
    (10**7, (18,), (134_774, 719_162)),
)
_TIME_ZONE = 14 * 3_600
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def load_terms(connection: duckdb.DuckDBPyConnection, raw_dir: Path) -> None:
    """Create the temporary tables of the leak check.

    The tables are ``words`` (allowed words), ``patient_keys``, ``terms``, ``ordinary_phrases``
    (terms that consist of several allowed words), and for each `columns.Owner` the terms and the
    numbers that its rows are compared with, by ``subject``: a patient key or a device key. Patient
    keys are looked up in stage by the hash of a raw row instead of being computed, so that the
    check is independent of the macros.

    Parameters
    ----------
    connection
        Connection with the databases ``build`` and ``vault`` attached.
    raw_dir
        The raw zone.
    """
    connection.execute(
        f"""
        create temp table words as
        select word from build.internal.allowed_words
        union select word from build.internal.allowed_words_site where word is not null
        -- dbt reads this word in a seed as a missing value
        union select 'null';

        create temp table raw_patients as
        select
            coalesce(key_patient_id, '') as id,
            coalesce(key_issuer_of_patient_id, '') as issuer,
            coalesce(key_study, '') as study,
            {keyed_id("row", "row_digest")} as row_key
        from {sql.raw_table(raw_dir, "patients")}
        cross join vault.main.keys;

        create temp table patient_keys as
        select distinct raw.id, raw.issuer, raw.study, staged.patient_key
        from raw_patients as raw
        inner join build.stage.staged_patients as staged on raw.row_key = staged.row_key;

        create temp table lines as
        select distinct keys.patient_key, unnest(string_split(raw.terms, chr(10))) as line
        from {sql.raw_table(raw_dir, "identity_terms")} as raw
        inner join patient_keys as keys
            on coalesce(raw.key_patient_id, '') = keys.id
            and coalesce(raw.key_issuer_of_patient_id, '') = keys.issuer
            and coalesce(raw.key_study, '') = keys.study;

        create temp table terms as
        with parts as (
            select patient_key, line[:position(':' in line) - 1] as kind,
                line[position(':' in line) + 1:] as term
            from lines
        ),
        named as (
            select * from parts
            left join words on parts.term = words.word
            where kind in ('name', 'person', 'id', 'contact', 'place')
                and (words.word is null or kind in ('name', 'person'))
                and (kind != 'place' or term not like '% %' or length(term) > 8)
        ),
        dates as (
            select patient_key, unnest({_date_renderings("term")}) as term
            from parts
            where kind = 'date'
        )
        select *, string_split(term, ' ')[1] as first_token from (
            select patient_key, kind, term from named
            union
            select patient_key, 'date', term from dates
        );

        create temp table ordinary_phrases as
        select distinct term from terms
        where term like '% %' and not regexp_full_match(term, '.*([0-9].*){{{_MIN_DIGITS}}}')
        except
        select term from (
            select term, unnest(string_split(term, ' ')) as token from terms where term like '% %'
        )
        where token not in (select word from words) and not regexp_full_match(token, '[0-9]+');

        create temp table numbers as
        select patient_key, kind, ltrim(regexp_replace(term, '[^0-9]', '', 'g'), '0') as number
        from terms where kind in ('id', 'contact');
        delete from numbers where length(number) < {_MIN_ID_DIGITS};

        insert into numbers
        select distinct patient_key, 'date', ltrim(unnest({_numbers_of_date("term", "day")}), '0')
        from (
            select patient_key, line[6:] as term, try_strptime(line[6:], '%Y%m%d')::date as day
            from lines where line like 'date:%'
        );
        delete from numbers where length(number) < {MIN_NUMBER_DIGITS};

        create temp view terms_of_patient as
        select patient_key as subject, kind, term, first_token from terms;

        create temp view numbers_of_patient as
        select distinct patient_key as subject, number from numbers;

        create temp table strict_terms as
        select * from terms
        where {_STRICT} or kind = 'name' and ascii(term) > {LAST_LATIN};

        create temp table device_patients as
        select distinct device_key as subject, patient_key from build.stage.staged_images
        where device_key is not null;

        create temp table terms_of_device as
        select distinct users.subject, kind, term, first_token
        from strict_terms inner join device_patients as users using (patient_key);

        create temp table numbers_of_device as
        select distinct users.subject, numbers.number
        from numbers inner join device_patients as users using (patient_key)
        where numbers.kind != 'date';

        create temp table terms_of_anybody as
        select distinct '' as subject, kind, term, first_token from strict_terms;

        create temp table numbers_of_anybody as
        select distinct '' as subject, number from numbers where kind != 'date';
        """
    )


def keyed_id(domain: str, value: str) -> str:
    """Return SQL for the keyed hash of a raw value; the query reads the keys of the vault."""
    return f"left(sha256(ko || sha256(ki || '{domain}|' || {value})), 32)"


def _numbers_of_date(term: str, day: str) -> str:
    """Return SQL for the numbers that stand for a day, as texts, and a mark for its timestamps."""
    y, m, d = f"{term}[1:4]", f"{term}[5:6]", f"{term}[7:8]"
    of_year = f"strftime({day}, '%j')"
    texts = [
        " || ".join(parts)
        for year in (y, f"{term}[3:4]")
        for parts in ((year, m, d), (d, m, year), (m, d, year), (year, of_year))
    ]
    since_1970 = f"date_diff('day', date '1970-01-01', {day})"
    texts += [f"({since_1970} + {days})::varchar" for days in _DAYS_BEFORE_1970]
    texts.append(f"{sql.text(DAY_MARK)} || {since_1970}")
    return f"list_filter([{', '.join(texts)}], lambda x: x is not null)"


def number_forms(number: str) -> str:
    """Return SQL for the texts in the tables of numbers that a number is compared with.

    They are the number itself, a number of digits without its time, and marks of the days on which
    a timestamp can be, since its time zone is unknown.

    Parameters
    ----------
    number
        SQL for a whole number of type hugeint.
    """
    size = f"length({number}::varchar)"
    forms = [f"{number}::varchar"]
    forms += [
        f"case when {size} between 9 and 20 and {size} - {cut} <= 8"
        f" then ({number} // {10**cut}::hugeint)::varchar end"
        for cut in (2, 4, 6, 9, 12)
    ]
    forms += [
        f"case when {size} in ({', '.join(map(str, sizes))}) then {sql.text(DAY_MARK)}"
        f" || ((({number} // {unit}::hugeint) + {zone}) // 86400 - {days}) end"
        for unit, sizes, starts in _CLOCKS
        for days in starts
        for zone in (-_TIME_ZONE, 0, _TIME_ZONE)
    ]
    return f"[{', '.join(forms)}]"


def _date_renderings(day: str) -> str:
    """Return SQL for the common renderings of a date, as sequences of tokens."""
    y, m, d = f"{day}[1:4]", f"{day}[5:6]", f"{day}[7:8]"
    short_y, short_m, short_d = f"{day}[3:4]", f"ltrim({m}, '0')", f"ltrim({d}, '0')"
    name = f"[{', '.join(map(sql.text, _MONTHS))}][try_cast({m} as integer)]"
    compact = [[y, m, d], [d, m, y], [m, d, y], [short_y, m, d], [d, m, short_y], [m, d, short_y]]
    spaced = [[y, m, d], [d, m, y], [m, d, y], [y, short_m, short_d], [short_d, short_m, y],
              [short_m, short_d, y], [d, name, y], [short_d, name, y], [name, d, y],
              [name, short_d, y]]  # fmt: skip
    texts = [" || ".join(parts) for parts in compact]
    texts += [" || ' ' || ".join(parts) for parts in spaced]
    return f"list_filter([{', '.join(texts)}], lambda x: x is not null)"
