{# Whether the whole text matches. Patterns have no backslash: engines differ in escaping it. #}
{% macro matches(value, pattern) %}{{ return(adapter.dispatch('matches')(value, pattern)) }}{% endmacro %}

{% macro default__matches(value, pattern) %}{{ return("regexp_full_match(" ~ value ~ ", '" ~ pattern ~ "')") }}{% endmacro %}

{% macro snowflake__matches(value, pattern) %}{{ return("regexp_like(" ~ value ~ ", '" ~ pattern ~ "')") }}{% endmacro %}
