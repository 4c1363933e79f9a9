{# Whether an array of text has an element; null where there is no array. #}
{% macro array_has(array, value) %}{{ return(adapter.dispatch('array_has')(array, value)) }}{% endmacro %}

{% macro default__array_has(array, value) %}{{ return("list_contains(" ~ array ~ ", " ~ value ~ ")") }}{% endmacro %}

{% macro snowflake__array_has(array, value) %}{{ return("array_contains(to_variant(" ~ value ~ "), " ~ array ~ ")") }}{% endmacro %}
