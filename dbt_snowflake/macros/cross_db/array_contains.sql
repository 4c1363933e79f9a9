{# Whether an array of text has an element; null if the array is null. #}
{% macro array_contains(array, value) %}{{ return(adapter.dispatch('array_contains')(array, value)) }}{% endmacro %}

{% macro default__array_contains(array, value) %}{{ return("list_contains(" ~ array ~ ", " ~ value ~ ")") }}{% endmacro %}

{% macro snowflake__array_contains(array, value) %}{{ return("array_contains(to_variant(" ~ value ~ "), " ~ array ~ ")") }}{% endmacro %}
