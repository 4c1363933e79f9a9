{#
    A type as two tables' columns are compared by: what may take each other's values is one type. The
    values of an array are semi-structured on Snowflake, as are all of a variant.
#}
{% macro comparable_type(name) %}{{ return(adapter.dispatch('comparable_type')(name)) }}{% endmacro %}

{% macro default__comparable_type(name) %}{{ return(name) }}{% endmacro %}

{% macro snowflake__comparable_type(name) %}{{ return('VARIANT' if name == 'ARRAY' else name) }}{% endmacro %}
