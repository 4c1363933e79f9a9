{# Aggregate: the values of a group as an array. #}
{% macro array_of(value) %}{{ return(adapter.dispatch('array_of')(value)) }}{% endmacro %}

{% macro default__array_of(value) %}{{ return("list(" ~ value ~ ")") }}{% endmacro %}

{% macro snowflake__array_of(value) %}{{ return("array_agg(" ~ value ~ ")") }}{% endmacro %}
