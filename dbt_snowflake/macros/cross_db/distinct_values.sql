{# Aggregate: the distinct non-null texts, sorted; an empty array where there are none. #}
{% macro distinct_values(column) %}{{ return(adapter.dispatch('distinct_values')(column)) }}{% endmacro %}

{% macro default__distinct_values(column) %}
    {{ return("coalesce(list_sort(list(distinct " ~ column ~ ") filter (" ~ column ~ " is not null)), cast([] as varchar[]))") }}
{% endmacro %}

{% macro snowflake__distinct_values(column) %}
    {{ return("array_sort(array_agg(distinct " ~ column ~ "))") }}
{% endmacro %}
