{# A column, or null of its type if the site has removed the attribute's line from the mapping. #}
{% macro mapped_or_null(table_name, column_name, type, is_array=false) %}
    {% if column_name in attribute_names(table_name) %}{{ return(quote_name(column_name)) }}{% endif %}
    {{ return("cast(null as " ~ type_name(type, is_array) ~ ")") }}
{% endmacro %}
