{# The model `cleaned_texts` cleans the sequence; the value is its result, as JSON text. #}
{% macro deid_clean_sequence(value, column) %}
    {% do require_type(column, ['json']) %}
    {% do require_patient(column) %}
    {{ return("dicom.to_json(" ~ value ~ ")") }}
{% endmacro %}
