{# An age above 89 years becomes 090Y. Only ages in years can be above 89, because 999M is 83 years. #}
{% macro deid_age_cap(value, column) %}
    {% do require_type(column, ['text']) %}
    {{ return(
        "case when not " ~ regexp_full_match(value, '[0-9]{3}[YMWD]') ~ " then null"
        ~ " when right(" ~ value ~ ", 1) = 'Y' and " ~ value ~ " > '089Y' then '090Y' else " ~ value ~ " end"
    ) }}
{% endmacro %}
