{# The model `cleaned_texts` cleans the text, of all values together; the value is its result. #}
{% macro deid_clean_text(value, column) %}
    {% do require_type(column, ['text']) %}
    {{ return("dicom.split_values(" ~ value ~ ")" if column.is_array else value) }}
{% endmacro %}
