{# DA: YYYYMMDD, or YYYY.MM.DD as in older versions of the standard. Null before 1800 and after 2099. #}
{% macro parse_date(value) %}
    {% set digits = "replace(" ~ value ~ ", '.', '')" %}
    {% set iso = "left(" ~ digits ~ ", 4) || '-' || substr(" ~ digits ~ ", 5, 2) || '-' || substr(" ~ digits ~ ", 7, 2)" %}
    {% set pattern = '(18|19|20)[0-9]{2}([0-9]{4}|[.][0-9]{2}[.][0-9]{2})' %}
    {{ return("case when " ~ regexp_full_match(value, pattern) ~ " then " ~ try_cast(iso, 'date') ~ " end") }}
{% endmacro %}
