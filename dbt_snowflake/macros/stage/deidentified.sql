{#
    A raw column, typed and de-identified as the mapping says; arrays an element at a time. A value
    that is kept but tells who the patient is becomes null.
#}
{% macro deidentified(column) %}
    {% set function = context.get('deid_' ~ column.function) %}
    {% if function is none %}
        {% do mapping_error(column, "unknown function " ~ column.function) %}
    {% endif %}
    {% set value = quote_name(column.column_name) %}
    {% if column.function in ['clean_text', 'clean_sequence'] %}{% set value = 'text_' ~ column.column_name %}{% endif %}
    {% if column.is_array and not nulls_all(column) %}
        {% set result = array_from_multi_value(value, function('x', column)) %}
    {% else %}
        {% set result = function(value, column) %}
    {% endif %}
    {% if column.function in ['keep', 'keep_code'] and column.type == 'text' and column.vr != 'UI' %}
        {{ return("case when not " ~ is_leaked(column) ~ " and " ~ is_short_enough(value) ~ " then " ~ result ~ " end") }}
    {% endif %}
    {{ return(result) }}
{% endmacro %}

{# Functions after which a null says nothing about the raw value. #}
{% macro nulls_all(column) %}{{ return(column.function == 'remove') }}{% endmacro %}
