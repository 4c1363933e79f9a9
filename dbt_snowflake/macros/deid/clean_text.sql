{# The model `cleaned_texts` cleans the text; the value is its result. #}
{% macro deid_clean_text(value, column) %}
    {% do require_type(column, ['text']) %}
    {{ return(value) }}
{% endmacro %}
