{# Whether an array has at least one element; null if the array is null. #}
{% macro has_elements(array) %}{{ return(adapter.dispatch('has_elements')(array)) }}{% endmacro %}

{% macro default__has_elements(array) %}{{ return("len(" ~ array ~ ") > 0") }}{% endmacro %}

{% macro snowflake__has_elements(array) %}{{ return("array_size(" ~ array ~ ") > 0") }}{% endmacro %}
