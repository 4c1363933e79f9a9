{# Whether the whole text matches. #}
{% macro regexp_full_match(value, pattern) %}{{ return("regexp_full_match(" ~ value ~ ", '" ~ pattern ~ "')") }}{% endmacro %}
