{#
    SQL functions that convert the text of a DICOM value to a type of DuckDB, or to null. A pattern is tested
    before the cast, because casts accept too much: 1.5 is not an integer, NaN is not a measurement. All casts are
    `try_cast`, because cast errors quote the value. Forms of values: PS3.5, section 6.2.
#}
{% macro dicom_functions() %}
create schema if not exists dicom;

-- The values of a multi-valued attribute, which backslashes separate; null for an empty value.
create or replace macro dicom.split_values(value) as
    list_transform(string_split(value, '\'), lambda part: nullif(trim(part), ''));

-- Number of values that are not empty.
create or replace macro dicom.count_values(value) as
    len(list_filter(string_split(value, '\'), lambda part: trim(part) <> ''));

create or replace macro dicom.to_integer(value) as
    case when regexp_full_match(value, '[+-]?[0-9]+([.]0*)?') then try_cast(value as bigint) end;

create or replace macro dicom.to_double(value) as
    case
        when regexp_full_match(value, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-2]?[0-9]{1,2})?')
            then try_cast(value as double)
    end;

-- Whether a value has the form of an age string. Some devices write fewer than three digits.
create or replace macro dicom.is_age(value) as regexp_full_match(value, '[0-9]{1,3}[YMWD]');

-- An age in days, to compare ages; null for other values. A month has 31 days, so that two months are more than 61 days.
create or replace macro dicom.days_of_age(value) as
    case
        when dicom.is_age(value)
            then try_cast(rtrim(value, 'YMWD') as double)
            * case right(value, 1) when 'Y' then 365.25 when 'M' then 31 when 'W' then 7 else 1 end
    end;

create or replace macro dicom.to_json(value) as try_cast(value as json);

-- 20180514 as 2018-05-14.
create or replace macro dicom.iso_date(digits) as
    left(digits, 4) || '-' || substr(digits, 5, 2) || '-' || substr(digits, 7, 2);

-- HH, HHMM, HHMMSS or HHMMSS.F as HH:MM:SS.FFFFFF; further digits, which some devices write, are cut off.
create or replace macro dicom.iso_time(digits) as
    left(rpad(split_part(digits, '.', 1), 6, '0'), 2)
    || ':' || substr(rpad(split_part(digits, '.', 1), 6, '0'), 3, 2)
    || ':' || substr(rpad(split_part(digits, '.', 1), 6, '0'), 5, 2)
    || '.' || rpad(split_part(digits, '.', 2), 6, '0');

-- DA: YYYYMMDD, or YYYY.MM.DD as in older versions of the standard. Null before 1800 and after 2099.
create or replace macro dicom.to_date(value) as
    case
        when regexp_full_match(value, '(18|19|20)[0-9]{2}([0-9]{4}|[.][0-9]{2}[.][0-9]{2})')
            then try_cast(dicom.iso_date(replace(value, '.', '')) as date)
    end;

-- TM: HH, HHMM, HHMMSS, HHMMSS.F, and HH:MM, HH:MM:SS, HH:MM:SS.F as in older versions of the standard.
create or replace macro dicom.to_time(value) as
    case
        when
            regexp_full_match(value, '([01][0-9]|2[0-3])([0-9]{2}([0-9]{2}([.][0-9]+)?)?)?')
            or regexp_full_match(value, '([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?')
            then try_cast(dicom.iso_time(replace(value, ':', '')) as time)
    end;

-- A DT without its offset from UTC.
create or replace macro dicom.local_time(value) as split_part(split_part(value, '+', 1), '-', 1);

-- DT: YYYYMMDDHHMMSS.F&ZZXX, where every component after the year is optional; missing components have their
-- lowest value. The result is the local time without the offset, as in DA and TM, which have no offset.
create or replace macro dicom.to_timestamp(value) as
    case
        when
            regexp_full_match(
                value,
                '(18|19|20)[0-9]{2}([0-9]{2}([0-9]{2}(([01][0-9]|2[0-3])([0-9]{2}'
                || '([0-9]{2}([.][0-9]+)?)?)?)?)?)?([+-][0-9]{4})?'
            )
            then try_cast(
                dicom.iso_date(left(dicom.local_time(value) || substr('0101', length(dicom.local_time(value)) - 3), 8))
                || ' ' || dicom.iso_time(substr(dicom.local_time(value), 9))
                as timestamp
            )
    end;
{% endmacro %}
