{# The values of a multi-valued attribute (separated by backslashes) as an array. `element` is an expression of each value `x`. #}
{% macro array_from_multi_value(value, element) %}
    {{ return("list_transform(list_transform(string_split(" ~ value ~ ", '\\'), lambda v: nullif(trim(v), '')), lambda x: " ~ element ~ ")") }}
{% endmacro %}
