{# The element at a position, from 1, of an array of numbers; null if the array is shorter. #}
{% macro array_get_double(array, position) %}{{ return(adapter.dispatch('array_get_double')(array, position)) }}{% endmacro %}

{% macro default__array_get_double(array, position) %}{{ return("list_extract(" ~ array ~ ", " ~ position ~ ")") }}{% endmacro %}

{% macro snowflake__array_get_double(array, position) %}{{ return("cast(get(" ~ array ~ ", " ~ (position - 1) ~ ") as float)") }}{% endmacro %}
