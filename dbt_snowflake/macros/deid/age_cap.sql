{% macro deid_age_cap(value, column) %}
    {% do require_type(column, ['text']) %}
    {{ return("deid.age_cap(" ~ value ~ ")") }}
{% endmacro %}
