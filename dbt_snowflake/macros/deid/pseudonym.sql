{# The attribute is the hash's domain: the same value has the same pseudonym in every table. #}
{% macro deid_pseudonym(value, column) %}
    {% do require_type(column, ['text']) %}
    {{ return(keyed_id(column.attribute, value)) }}
{% endmacro %}
