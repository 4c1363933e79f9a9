{# Aggregate: the non-null value of the row that comes last in `preference`. #}
{% macro preferred_value(column, preference) %}{{ return(adapter.dispatch('preferred_value')(column, preference)) }}{% endmacro %}

{% macro default__preferred_value(column, preference) %}
    {{ return("max_by(" ~ column ~ ", case when " ~ column ~ " is not null then " ~ preference ~ " end)") }}
{% endmacro %}
