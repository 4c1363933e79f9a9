{# The sequence itself is cleaned before, with all of a table at once: see `cleaned_sequences`. #}
{% macro deid_clean_sequence(value, column) %}
    {% do require_type(column, ['json']) %}
    {% do require_patient(column) %}
    {{ return(try_cast(value, 'json')) }}
{% endmacro %}
