{# Whether the whole text matches. A pattern must not have a backslash, because the engines escape it differently. #}
{% macro regexp_full_match(value, pattern) %}{{ return(adapter.dispatch('regexp_full_match')(value, pattern)) }}{% endmacro %}

{% macro default__regexp_full_match(value, pattern) %}{{ return("regexp_full_match(" ~ value ~ ", '" ~ pattern ~ "')") }}{% endmacro %}

{% macro snowflake__regexp_full_match(value, pattern) %}{{ return("regexp_like(" ~ value ~ ", '" ~ pattern ~ "')") }}{% endmacro %}
