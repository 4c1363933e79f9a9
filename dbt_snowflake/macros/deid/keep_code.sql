{# Keeps the code in the form that the model `kept_codes` has, with which the staged model joins. #}
{% macro deid_keep_code(value, column) %}
    {% do require_type(column, ['text']) %}
    {% if column.vr != 'CS' and not column.reviewed %}
        {% do mapping_error(column, 'keeps what is not CS without being reviewed') %}
    {% endif %}
    {{ return("dicom.split_values(" ~ value ~ ")" if column.is_array else value) }}
{% endmacro %}
