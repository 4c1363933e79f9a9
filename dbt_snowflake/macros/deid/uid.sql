{% macro deid_uid(value, column) %}
    {% do require_type(column, ['text']) %}
    {{ return("deid.uid(ki, ko, " ~ value ~ ")") }}
{% endmacro %}
