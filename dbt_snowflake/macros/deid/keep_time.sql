{% macro deid_keep_time(value, column) %}
    {% do require_type(column, ['time']) %}
    {{ return(cast_to(value, column.type)) }}
{% endmacro %}
