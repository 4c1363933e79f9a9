{% macro deid_keep_time(value, column) %}
    {% do require_type(column, ['time']) %}
    {{ return(parse_time(value)) }}
{% endmacro %}
