{# The mapped columns of a table, without some that a model treats in its own way. #}
{% macro attribute_names(table_name, except=[]) %}
    {{ return(mapped_columns(table_name) | map(attribute='column_name') | reject('in', except) | list) }}
{% endmacro %}
