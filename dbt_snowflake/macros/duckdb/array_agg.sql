{# Aggregate: the values of a group as an array, in no particular order. #}
{% macro array_agg(value) %}{{ return("list(" ~ value ~ ")") }}{% endmacro %}
