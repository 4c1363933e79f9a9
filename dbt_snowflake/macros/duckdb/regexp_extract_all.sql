{# All matches of a pattern in a text, in order, as an array. #}
{% macro regexp_extract_all(value, pattern) %}{{ return("regexp_extract_all(" ~ value ~ ", '" ~ pattern ~ "')") }}{% endmacro %}
