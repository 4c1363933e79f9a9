{# Over 89 years is 090Y. In three digits only years reach that far: 999M are 83 years. #}
{% macro deid_age_cap(value, column) %}
    {% do require_type(column, ['text']) %}
    {{ return(
        "case when not " ~ regexp_full_match(value, '[0-9]{3}[YMWD]') ~ " then null"
        ~ " when right(" ~ value ~ ", 1) = 'Y' and " ~ value ~ " > '089Y' then '090Y' else " ~ value ~ " end"
    ) }}
{% endmacro %}
