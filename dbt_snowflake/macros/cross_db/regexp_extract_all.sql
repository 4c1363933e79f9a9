{# All matches of a pattern in a text, in order, as an array. #}
{% macro regexp_extract_all(value, pattern) %}{{ return(adapter.dispatch('regexp_extract_all')(value, pattern)) }}{% endmacro %}

{% macro default__regexp_extract_all(value, pattern) %}{{ return("regexp_extract_all(" ~ value ~ ", '" ~ pattern ~ "')") }}{% endmacro %}

{% macro snowflake__regexp_extract_all(value, pattern) %}{{ return("regexp_substr_all(" ~ value ~ ", '" ~ pattern ~ "')") }}{% endmacro %}
