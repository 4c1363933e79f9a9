{% macro deid_keep_time(value, column) %}
    {% do require_type(column, ['time']) %}
    {{ return("deid.keep_time(" ~ value ~ ")") }}
{% endmacro %}
