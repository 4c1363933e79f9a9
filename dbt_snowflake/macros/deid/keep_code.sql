{# Keeps a code in the form that the model `kept_codes` has, with which the staged model joins. #}
{% macro deid_keep_code(form, column) %}
    {% do require_type(column, ['text']) %}
    {% if column.vr != 'CS' and not column.reviewed %}
        {% do mapping_error(column, 'keeps what is not CS without being reviewed') %}
    {% endif %}
    {% set function = "deid.keep_codes(" if column.is_array else "deid.keep_code(" %}
    {{ return(function ~ quote_name(column.column_name) ~ ", " ~ form ~ ")") }}
{% endmacro %}
