{# Aggregate: texts in an order, with a separator between them. #}
{% macro joined_text(value, separator, order) %}{{ return(adapter.dispatch('joined_text')(value, separator, order)) }}{% endmacro %}

{% macro default__joined_text(value, separator, order) %}
    {{ return("string_agg(" ~ value ~ ", " ~ separator ~ " order by " ~ order ~ ")") }}
{% endmacro %}

{% macro snowflake__joined_text(value, separator, order) %}
    {{ return("listagg(" ~ value ~ ", " ~ separator ~ ") within group (order by " ~ order ~ ")") }}
{% endmacro %}
