{% macro deid_remove(value, column) %}
    {{ return("cast(null as " ~ type_name(column.type, column.is_array) ~ ")") }}
{% endmacro %}
