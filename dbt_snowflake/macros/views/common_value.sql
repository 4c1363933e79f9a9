{# Aggregate: the value that all rows of a group have; null if values differ or are missing. #}
{% macro common_value(column) %}
    {{ return("case when min(" ~ column ~ ") = max(" ~ column ~ ") and count(" ~ column ~ ") = count(*) then min(" ~ column ~ ") end") }}
{% endmacro %}
