{# A JSON array of strings as an array of text, escapes resolved; null for what is no JSON array. #}
{% macro json_texts(value) %}{{ return(adapter.dispatch('json_texts')(value)) }}{% endmacro %}

{% macro default__json_texts(value) %}{{ return("try_cast(try_cast(" ~ value ~ " as json) as varchar[])") }}{% endmacro %}

{% macro snowflake__json_texts(value) %}{{ return("as_array(try_parse_json(" ~ value ~ "))") }}{% endmacro %}
