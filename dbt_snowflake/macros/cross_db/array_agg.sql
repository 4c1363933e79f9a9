{# Aggregate: the values of a group as an array, in no particular order. #}
{% macro array_agg(value) %}{{ return(adapter.dispatch('array_agg')(value)) }}{% endmacro %}

{% macro default__array_agg(value) %}{{ return("list(" ~ value ~ ")") }}{% endmacro %}

{% macro snowflake__array_agg(value) %}{{ return("array_agg(" ~ value ~ ")") }}{% endmacro %}
