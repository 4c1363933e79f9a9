{# A text as a JSON string, with quotes and escapes. #}
{% macro json_quote(value) %}{{ return(adapter.dispatch('json_quote')(value)) }}{% endmacro %}

{% macro default__json_quote(value) %}{{ return("cast(to_json(" ~ value ~ ") as varchar)") }}{% endmacro %}

{% macro snowflake__json_quote(value) %}{{ return("to_json(to_variant(" ~ value ~ "))") }}{% endmacro %}
