{# The parts of a text between separators, as an array. The separator is an SQL expression. #}
{% macro string_split(value, separator) %}{{ return("string_split(" ~ value ~ ", " ~ separator ~ ")") }}{% endmacro %}
