{#
    SQL functions that de-identify one value. The keys ki and ko are columns of the vault, so that no SQL text
    contains them. dicom_pipeline/deid/keys.py and pseudonyms.py have the same functions in Python.
#}
{% macro deid_functions() %}
create schema if not exists deid;

-- The hash from which all keys, pseudonyms, UIDs and date shifts derive: 64 hexadecimal digits.
create or replace macro deid.keyed_hash(ki, ko, domain, value) as
    sha256(ko || sha256(ki || domain || '|' || value));

-- 128 bits of the keyed hash, for keys and pseudonyms.
create or replace macro deid.keyed_id(ki, ko, domain, value) as
    left(sha256(ko || sha256(ki || domain || '|' || value)), 32);

-- A part of the identity of an entity. Its length precedes it, so that ('ab', 'c') and ('a', 'bc') differ.
create or replace macro deid.key_part(value) as cast(length(value) as varchar) || ':' || value;

-- A part that may be missing.
create or replace macro deid.optional_key_part(value) as
    coalesce(cast(length(value) as varchar) || ':' || value, '-');

-- Up to 15 hexadecimal digits as an integer: 60 bits, which fit into an integer.
create or replace macro deid.hex_to_integer(digits) as cast('0x' || digits as bigint);

-- A UID under 2.25 from 120 bits of the hash, in two parts of 60 bits, because 120 bits do not fit an integer.
-- 2^60 is added to the first part, because a component of a UID may not start with a zero.
create or replace macro deid.uid_of_hash(hash) as
    '2.25.' || cast(1152921504606846976 + deid.hex_to_integer(left(hash, 15)) as varchar)
    || lpad(cast(deid.hex_to_integer(substr(hash, 16, 15)) as varchar), 19, '0');

create or replace macro deid.uid(ki, ko, value) as deid.uid_of_hash(deid.keyed_hash(ki, ko, 'uid', value));

-- Days by which the dates of a patient are shifted back: 1 to 10 years in whole weeks, which keep the weekday.
create or replace macro deid.shift_days(ki, ko, patient_key) as
    7 * (52 + deid.hex_to_integer(left(deid.keyed_hash(ki, ko, 'date_shift', patient_key), 15)) % 469);

-- A date that can be true; null if extraction lists its column (see the seed date_rules).
create or replace macro deid.plausible(implausible_dates, column_name, value) as
    case when not list_contains(string_split(coalesce(implausible_dates, ''), ','), column_name) then value end;

-- Dates that everybody knows (zero dates of programs, clocks after a battery change): a shifted one would reveal the
-- shift of the patient. Extraction finds them, except in rows of deleted files that an older version has read.
create or replace macro deid.is_placeholder_date(value) as
    left(replace(value, '.', ''), 8) < '19010102'
    or left(replace(value, '.', ''), 8) in ('19040101', '19700101', '19800101');

create or replace macro deid.shift_date(value, days) as
    case when not deid.is_placeholder_date(value) then dicom.to_date(value) - cast(days as integer) end;

-- A value without a day becomes null: as the first day of a month, it would reveal the shift.
create or replace macro deid.shift_datetime(value, days) as
    case
        when regexp_full_match(value, '[0-9]{8}.*') and not deid.is_placeholder_date(value)
            then date_trunc('second', dicom.to_timestamp(value) - to_days(cast(days as integer)))
    end;

-- Fractions of a second are as good as a fingerprint of the image, so they are cut off.
create or replace macro deid.keep_time(value) as
    try_cast(left(cast(dicom.to_time(value) as varchar), 8) as time);

-- An age above 89 years becomes 090Y. Only ages in years can be above 89, because 999M is 83 years.
create or replace macro deid.age_cap(value) as
    case
        when not dicom.is_age(value) then null
        when right(value, 1) = 'Y' and lpad(value, 4, '0') > '089Y' then '090Y'
        else lpad(value, 4, '0')
    end;

create or replace macro deid.anon_text(value) as case when value is not null then 'ANONYMIZED' end;

-- The age in a file, or that from its dates (see computed_age.py) if there is none, or one that devices write for an
-- unknown age: zero, or more than 130 years.
create or replace macro deid.recorded_or_computed_age(recorded, computed) as
    case
        when dicom.days_of_age(recorded) > 0 and dicom.days_of_age(recorded) < 131 * 365.25 then recorded
        when dicom.is_age(computed) then computed
        else recorded
    end;

-- Null if the value identifies its patient, or has the form of an identifier: the list has `column:value`. Long
-- values are not searched, so they become null too.
create or replace macro deid.unless_leaked(leaked, column_name, value) as
    case when length(value) <= 1024 and not list_contains(leaked, column_name || ':' || value) then value end;

-- The forms of the codes in a cell, unless the cell, as `column:value`, identifies the patient.
create or replace macro deid.forms_unless_leaked(leaked, codes) as
    case when not list_contains(leaked, codes.cell) then codes.forms end;

-- A code in the form in which it is kept (see kept_codes.py): unchanged, in capitals, or as a term of the standard.
create or replace macro deid.keep_code(value, form) as
    case form when '=' then trim(value) when '^' then upper(trim(value)) else nullif(form, '') end;

create or replace macro deid.keep_codes(value, forms) as
    list_transform(
        list_zip(string_split(value, '\'), string_split(forms, '\')), lambda pair: deid.keep_code(pair[1], pair[2])
    );

-- Control characters, and marks that hide, separate or reverse the following text, become spaces: a terminal or a
-- web page would interpret them.
create or replace macro deid.keep_text(value) as
    regexp_replace(
        value, '[[:cntrl:]{{ "\u0080-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff" }}]', ' ', 'g'
    );

-- The creation time of a file in microseconds; null if there is none.
create or replace macro deid.creation_time(created) as
    epoch_us(dicom.to_timestamp(left(replace(created, '.', ''), 14)))
    + try_cast(rpad(substr(replace(created, '.', ''), 15), 6, '0') as bigint);

-- The modification time of a file in steps of two seconds, as exact as an archive of files stores it.
create or replace macro deid.file_time(mtime_ns) as mtime_ns // 2000000000;

-- A time as a text that keeps its order and does not reveal it: it is shifted back by a secret number of up to ten
-- years, which is the same for all files that are compared. Files without the time come first. Creation time and
-- file time are shifted by different parts of the hash: they are often equal, and one would reveal the other.
create or replace macro deid.secret_creation_time(microseconds, hash) as
    lpad(
        cast(
            coalesce(10000000000000000 + microseconds - deid.hex_to_integer(left(hash, 15)) % 315360000000000, 0)
            as varchar
        ),
        18, '0'
    );

create or replace macro deid.secret_file_time(steps, hash) as
    lpad(
        cast(
            coalesce(10000000000000000 + steps - deid.hex_to_integer(substr(hash, 16, 15)) % 157680000, 0) as varchar
        ),
        18, '0'
    );

-- Orders the files of one SOP Instance UID; the file with the greatest text is used: the latest creation time, then
-- the latest file time, then the greatest header key.
create or replace macro deid.instance_precedence(ki, ko, uid, created, mtime_ns, header_digest) as
    deid.secret_creation_time(
        deid.creation_time(created), deid.keyed_hash(ki, ko, 'instance_precedence', uid)
    )
    || '-' || deid.secret_file_time(deid.file_time(mtime_ns), deid.keyed_hash(ki, ko, 'instance_precedence', uid))
    || '-' || deid.keyed_id(ki, ko, 'header', header_digest);

-- The column with its raw value, if the value was lost: it could not be converted, or it was removed.
create or replace macro deid.lost(column_name, value, result) as
    case when value is not null and result is null then column_name || ':' || value end;

create or replace macro deid.lost_in_array(column_name, value, result) as
    case
        when coalesce(len(list_filter(result, lambda part: part is not null)), 0) < dicom.count_values(value)
            then column_name || ':' || value
    end;

create or replace macro deid.not_null(names) as list_filter(names, lambda name: name is not null);

-- The columns of lost cells: those that could not be converted, and those whose value was found in `leaked`.
create or replace macro deid.failed_columns(lost_cells, leaked) as
    list_transform(
        list_filter(lost_cells, lambda cell: not list_contains(leaked, cell)), lambda cell: split_part(cell, ':', 1)
    );

create or replace macro deid.leaked_columns(lost_cells, leaked) as
    list_transform(
        list_filter(lost_cells, lambda cell: list_contains(leaked, cell)), lambda cell: split_part(cell, ':', 1)
    );
{% endmacro %}
