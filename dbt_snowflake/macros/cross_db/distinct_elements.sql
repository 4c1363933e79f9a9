{# Aggregate: the distinct elements of all arrays of text in a column, sorted; never null. #}
{% macro distinct_elements(column) %}{{ return(adapter.dispatch('distinct_elements')(column)) }}{% endmacro %}

{% macro default__distinct_elements(column) %}
    {{ return("coalesce(list_sort(list_distinct(flatten(list(" ~ column ~ ")))), cast([] as varchar[]))") }}
{% endmacro %}

{% macro snowflake__distinct_elements(column) %}
    {{ return("array_sort(array_compact(array_distinct(array_flatten(array_agg(" ~ column ~ ")))))") }}
{% endmacro %}
