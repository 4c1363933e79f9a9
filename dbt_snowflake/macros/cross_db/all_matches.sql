{# All matches of a pattern in a text, one after the other, as an array. #}
{% macro all_matches(value, pattern) %}{{ return(adapter.dispatch('all_matches')(value, pattern)) }}{% endmacro %}

{% macro default__all_matches(value, pattern) %}{{ return("regexp_extract_all(" ~ value ~ ", '" ~ pattern ~ "')") }}{% endmacro %}

{% macro snowflake__all_matches(value, pattern) %}{{ return("regexp_substr_all(" ~ value ~ ", '" ~ pattern ~ "')") }}{% endmacro %}
