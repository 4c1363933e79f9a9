{# The text itself is cleaned before, with all texts of a table at once: see `cleaned_texts`. #}
{% macro deid_clean_text(value, column) %}
    {% do require_type(column, ['text']) %}
    {{ return(value) }}
{% endmacro %}
