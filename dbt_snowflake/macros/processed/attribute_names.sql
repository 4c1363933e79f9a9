{# The mapped columns of a table, except those that the model handles itself. #}
{% macro attribute_names(table_name, except=[]) %}
    {{ return(mapped_columns(table_name) | map(attribute='column_name') | reject('in', except) | list) }}
{% endmacro %}
