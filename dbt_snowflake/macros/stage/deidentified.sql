{# A raw column, typed and de-identified as the mapping says; arrays an element at a time. #}
{% macro deidentified(column) %}
    {% set function = context.get('deid_' ~ column.function) %}
    {% if function is none %}
        {% do mapping_error(column, "unknown function " ~ column.function) %}
    {% endif %}
    {% set value = quote_name(column.column_name) %}
    {% if column.is_array and not nulls_all(column) %}
        {{ return(array_from_values(value, function('x', column))) }}
    {% endif %}
    {{ return(function(value, column)) }}
{% endmacro %}

{# Functions after which a null says nothing about the raw value. #}
{% macro nulls_all(column) %}{{ return(column.function in ['remove', 'clean_text']) }}{% endmacro %}
