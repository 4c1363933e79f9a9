{# The parts of a text between separators (an SQL expression), as an array. #}
{% macro split_text(value, separator) %}{{ return(adapter.dispatch('split_text')(value, separator)) }}{% endmacro %}

{% macro default__split_text(value, separator) %}{{ return("string_split(" ~ value ~ ", " ~ separator ~ ")") }}{% endmacro %}

{% macro snowflake__split_text(value, separator) %}{{ return("split(" ~ value ~ ", " ~ separator ~ ")") }}{% endmacro %}
