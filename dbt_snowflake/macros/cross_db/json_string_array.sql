{# A JSON array of strings as an array of text, without escapes; null if the value is not a JSON array. #}
{% macro json_string_array(value) %}{{ return(adapter.dispatch('json_string_array')(value)) }}{% endmacro %}

{% macro default__json_string_array(value) %}{{ return("try_cast(try_cast(" ~ value ~ " as json) as varchar[])") }}{% endmacro %}

{% macro snowflake__json_string_array(value) %}{{ return("as_array(try_parse_json(" ~ value ~ "))") }}{% endmacro %}
