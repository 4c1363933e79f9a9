{# TM: HH, HHMM, HHMMSS, HHMMSS.F, and HH:MM, HH:MM:SS, HH:MM:SS.F as in older versions of the standard. #}
{% macro parse_time(value) %}
    {% set pattern = '([01][0-9]|2[0-3])([0-9]{2}([0-9]{2}([.][0-9]{1,6})?)?)?|([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?' %}
    {{ return("case when " ~ regexp_full_match(value, pattern) ~ " then " ~ try_cast(iso_time("replace(" ~ value ~ ", ':', '')"), 'time') ~ " end") }}
{% endmacro %}

{# Converts HH, HHMM, HHMMSS or HHMMSS.F to HH:MM:SS.FFFFFF. #}
{% macro iso_time(digits) %}
    {% set whole = "rpad(split_part(" ~ digits ~ ", '.', 1), 6, '0')" %}
    {% set fraction = "rpad(split_part(" ~ digits ~ ", '.', 2), 6, '0')" %}
    {{ return("left(" ~ whole ~ ", 2) || ':' || substr(" ~ whole ~ ", 3, 2) || ':' || substr(" ~ whole ~ ", 5, 2) || '.' || " ~ fraction) }}
{% endmacro %}
