{# A text as a JSON string, in quotes and with escapes. #}
{% macro json_string(value) %}{{ return(adapter.dispatch('json_string')(value)) }}{% endmacro %}

{% macro default__json_string(value) %}{{ return("cast(to_json(" ~ value ~ ") as varchar)") }}{% endmacro %}

{% macro snowflake__json_string(value) %}{{ return("to_json(to_variant(" ~ value ~ "))") }}{% endmacro %}
