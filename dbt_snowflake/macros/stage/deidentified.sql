{#
    A raw column after the cast and the de-identification function of the mapping, for each element of an
    array. A kept value that identifies the patient becomes null.
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

{# Whether the function returns null for every raw value, so that a null is not a failed cast. #}
{% macro nulls_all(column) %}{{ return(column.function == 'remove') }}{% endmacro %}
