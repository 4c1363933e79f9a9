{# Aggregate: the value of the row with the greatest `preference`, among rows where it is not null. #}
{% macro preferred_value(column, preference) %}{{ return(adapter.dispatch('preferred_value')(column, preference)) }}{% endmacro %}

{% macro default__preferred_value(column, preference) %}
    {{ return("max_by(" ~ column ~ ", case when " ~ column ~ " is not null then " ~ preference ~ " end)") }}
{% endmacro %}
