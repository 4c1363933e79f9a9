{#
    The materialization of a view. On DuckDB views are published as views. On Snowflake they are tables:
    tags, and masking policies based on them, are set on tables, and publication replaces their rows.
#}
{% macro view_materialization() %}{{ return(adapter.dispatch('view_materialization')()) }}{% endmacro %}

{% macro default__view_materialization() %}{{ return('view') }}{% endmacro %}

{% macro snowflake__view_materialization() %}{{ return('table') }}{% endmacro %}
