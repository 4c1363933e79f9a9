{# Number of elements of an array; null if the array is null. #}
{% macro array_length(array) %}{{ return("len(" ~ array ~ ")") }}{% endmacro %}
