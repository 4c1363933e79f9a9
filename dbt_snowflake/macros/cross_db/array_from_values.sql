{# The elements of a multi-valued attribute (joined by a backslash), each as `element` makes it of `x`. #}
{% macro array_from_values(value, element) %}{{ return(adapter.dispatch('array_from_values')(value, element)) }}{% endmacro %}

{% macro default__array_from_values(value, element) %}
    {{ return("list_transform(list_transform(string_split(" ~ value ~ ", '\\'), lambda v: nullif(trim(v), '')), lambda x: " ~ element ~ ")") }}
{% endmacro %}

{% macro snowflake__array_from_values(value, element) %}
    {{ return("transform(transform(split(" ~ value ~ ", '\\\\'), v varchar -> nullif(trim(v), '')), x varchar -> " ~ element ~ ")") }}
{% endmacro %}
