{# A number of an array by its place, from 1 on; null where the array is shorter. #}
{% macro number_at(array, place) %}{{ return(adapter.dispatch('number_at')(array, place)) }}{% endmacro %}

{% macro default__number_at(array, place) %}{{ return("list_extract(" ~ array ~ ", " ~ place ~ ")") }}{% endmacro %}

{% macro snowflake__number_at(array, place) %}{{ return("cast(get(" ~ array ~ ", " ~ (place - 1) ~ ") as float)") }}{% endmacro %}
