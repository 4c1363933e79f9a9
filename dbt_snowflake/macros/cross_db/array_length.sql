{# Number of elements of an array; null if the array is null. #}
{% macro array_length(array) %}{{ return(adapter.dispatch('array_length')(array)) }}{% endmacro %}

{% macro default__array_length(array) %}{{ return("len(" ~ array ~ ")") }}{% endmacro %}

{% macro snowflake__array_length(array) %}{{ return("array_size(" ~ array ~ ")") }}{% endmacro %}
