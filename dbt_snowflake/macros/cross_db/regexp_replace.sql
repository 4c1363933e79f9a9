{# Replace every match of a pattern, ignoring case. A pattern must not have a backslash, because the engines escape it differently. #}
{% macro regexp_replace(value, pattern, replacement) %}{{ return(adapter.dispatch('regexp_replace')(value, pattern, replacement)) }}{% endmacro %}

{% macro default__regexp_replace(value, pattern, replacement) %}
    {{ return("regexp_replace(" ~ value ~ ", '" ~ pattern ~ "', " ~ replacement ~ ", 'gi')") }}
{% endmacro %}

{% macro snowflake__regexp_replace(value, pattern, replacement) %}
    {{ return("regexp_replace(" ~ value ~ ", '" ~ pattern ~ "', " ~ replacement ~ ", 1, 0, 'i')") }}
{% endmacro %}
