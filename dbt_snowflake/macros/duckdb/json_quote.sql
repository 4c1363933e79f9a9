{# A text as a JSON string, with quotes and escapes. #}
{% macro json_quote(value) %}{{ return("cast(to_json(" ~ value ~ ") as varchar)") }}{% endmacro %}
