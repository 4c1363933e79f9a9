{# An array as text: arrays have the same text if and only if they have the same elements in the same order. #}
{% macro array_text(array) %}{{ return(adapter.dispatch('array_text')(array)) }}{% endmacro %}

{% macro default__array_text(array) %}{{ return("cast(to_json(" ~ array ~ ") as varchar)") }}{% endmacro %}

{% macro snowflake__array_text(array) %}{{ return("to_json(" ~ array ~ ")") }}{% endmacro %}
