{# A JSON array of strings as an array of text, without escapes; null if the value is not a JSON array. #}
{% macro json_string_array(value) %}{{ return("try_cast(try_cast(" ~ value ~ " as json) as varchar[])") }}{% endmacro %}
