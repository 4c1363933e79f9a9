{# Replace every match of a pattern, ignoring case. #}
{% macro regexp_replace(value, pattern, replacement) %}
    {{ return("regexp_replace(" ~ value ~ ", '" ~ pattern ~ "', " ~ replacement ~ ", 'gi')") }}
{% endmacro %}
