{#
    The type to compare columns of two tables by. Snowflake reports semi-structured columns as ARRAY or
    VARIANT; a value of either fits both.
#}
{% macro comparable_type(name) %}{{ return(adapter.dispatch('comparable_type')(name)) }}{% endmacro %}

{% macro default__comparable_type(name) %}{{ return(name) }}{% endmacro %}

{% macro snowflake__comparable_type(name) %}{{ return('VARIANT' if name == 'ARRAY' else name) }}{% endmacro %}
