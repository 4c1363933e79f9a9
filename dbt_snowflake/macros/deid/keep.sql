{% macro deid_keep(value, column) %}
    {% if column.type in ['text', 'json'] and not column.reviewed %}
        {% do mapping_error(column, 'keeps text as it is without being reviewed') %}
    {% endif %}
    {{ return(cast_to(value, column)) }}
{% endmacro %}
