{# Whether an array has a null where the multi-valued text that it was made from has a value. #}
{% macro array_has_failed_cast(array, value) %}
    {{ return("len(list_filter(" ~ array ~ ", lambda x: x is not null)) < len(list_filter(string_split(" ~ value ~ ", '\\'), lambda x: trim(x) <> ''))") }}
{% endmacro %}
