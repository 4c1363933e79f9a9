{# Whether an array of text has an element; null if the array is null. #}
{% macro array_contains(array, value) %}{{ return("list_contains(" ~ array ~ ", " ~ value ~ ")") }}{% endmacro %}
