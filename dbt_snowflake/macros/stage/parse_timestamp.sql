{#
    DT: YYYYMMDDHHMMSS.F&ZZXX, where every component after the year is optional; missing components have their
    lowest value. The result is the local time without the offset, as in DA and TM, which have no offset.
#}
{% macro parse_timestamp(value) %}
    {% set pattern = '(18|19|20)[0-9]{2}([0-9]{2}([0-9]{2}(([01][0-9]|2[0-3])([0-9]{2}([0-9]{2}([.][0-9]{1,6})?)?)?)?)?)?([+-][0-9]{4})?' %}
    {% set local = "split_part(split_part(" ~ value ~ ", '+', 1), '-', 1)" %}
    {% set day = "left(" ~ local ~ " || substr('0101', length(" ~ local ~ ") - 3), 8)" %}
    {% set iso = "left(" ~ day ~ ", 4) || '-' || substr(" ~ day ~ ", 5, 2) || '-' || substr(" ~ day ~ ", 7, 2) || ' ' || " ~ iso_time("substr(" ~ local ~ ", 9)") %}
    {{ return("case when " ~ regexp_full_match(value, pattern) ~ " then " ~ try_cast(iso, 'timestamp') ~ " end") }}
{% endmacro %}
