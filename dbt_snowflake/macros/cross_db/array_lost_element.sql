{# Whether an array made of a multi-valued text has a null where the text has a value. #}
{% macro array_lost_element(array, value) %}{{ return(adapter.dispatch('array_lost_element')(array, value)) }}{% endmacro %}

{% macro default__array_lost_element(array, value) %}
    {{ return("len(list_filter(" ~ array ~ ", lambda x: x is not null)) < len(list_filter(string_split(" ~ value ~ ", '\\'), lambda x: trim(x) <> ''))") }}
{% endmacro %}

{% macro snowflake__array_lost_element(array, value) %}
    {{ return("array_size(array_compact(" ~ array ~ ")) < array_size(filter(split(" ~ value ~ ", '\\\\'), x varchar -> trim(x) <> ''))") }}
{% endmacro %}
