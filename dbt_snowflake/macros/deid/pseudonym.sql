{# The attribute is the domain of the hash, so that equal values of it have equal pseudonyms in all tables. #}
{% macro deid_pseudonym(value, column) %}
    {% do require_type(column, ['text']) %}
    {{ return(keyed_id(column.attribute, value)) }}
{% endmacro %}
