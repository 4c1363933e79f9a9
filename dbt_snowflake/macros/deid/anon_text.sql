{% macro deid_anon_text(value, column) %}
    {% do require_type(column, ['text']) %}
    {{ return("deid.anon_text(" ~ value ~ ")") }}
{% endmacro %}
