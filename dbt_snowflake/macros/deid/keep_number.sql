{% macro deid_keep_number(value, column) %}
    {% do require_type(column, ['integer', 'double']) %}
    {{ return(cast_to(value, column.type)) }}
{% endmacro %}
