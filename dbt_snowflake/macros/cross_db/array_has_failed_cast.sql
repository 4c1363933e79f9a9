{# Whether an array has a null where the multi-valued text that it was made from has a value. #}
{% macro array_has_failed_cast(array, value) %}{{ return(adapter.dispatch('array_has_failed_cast')(array, value)) }}{% endmacro %}

{% macro default__array_has_failed_cast(array, value) %}
    {{ return("len(list_filter(" ~ array ~ ", lambda x: x is not null)) < len(list_filter(string_split(" ~ value ~ ", '\\'), lambda x: trim(x) <> ''))") }}
{% endmacro %}

{% macro snowflake__array_has_failed_cast(array, value) %}
    {{ return("array_size(array_compact(" ~ array ~ ")) < array_size(filter(split(" ~ value ~ ", '\\\\'), x varchar -> trim(x) <> ''))") }}
{% endmacro %}
