{# Every match of a pattern replaced, whatever its case. Patterns have no backslash. #}
{% macro replace_pattern(value, pattern, replacement) %}{{ return(adapter.dispatch('replace_pattern')(value, pattern, replacement)) }}{% endmacro %}

{% macro default__replace_pattern(value, pattern, replacement) %}
    {{ return("regexp_replace(" ~ value ~ ", '" ~ pattern ~ "', " ~ replacement ~ ", 'gi')") }}
{% endmacro %}

{% macro snowflake__replace_pattern(value, pattern, replacement) %}
    {{ return("regexp_replace(" ~ value ~ ", '" ~ pattern ~ "', " ~ replacement ~ ", 1, 0, 'i')") }}
{% endmacro %}
