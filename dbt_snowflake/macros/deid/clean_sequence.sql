{# Until sequences can be cleaned inside they are removed. #}
{% macro deid_clean_sequence(value, column) %}
    {% do require_type(column, ['json']) %}
    {{ return(deid_remove(value, column)) }}
{% endmacro %}
