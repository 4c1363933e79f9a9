{# Aggregate: the value that all rows of a group have; null if they differ or one has none. #}
{% macro same_value(column) %}
    {{ return("case when min(" ~ column ~ ") = max(" ~ column ~ ") and count(" ~ column ~ ") = count(*) then min(" ~ column ~ ") end") }}
{% endmacro %}
