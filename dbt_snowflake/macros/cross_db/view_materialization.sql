{#
    What a view is built as. DuckDB's are published as views. On Snowflake they are tables: tags, and
    the masking that goes by them, are put on tables, and publication clones those.
#}
{% macro view_materialization() %}{{ return(adapter.dispatch('view_materialization')()) }}{% endmacro %}

{% macro default__view_materialization() %}{{ return('view') }}{% endmacro %}

{% macro snowflake__view_materialization() %}{{ return('table') }}{% endmacro %}
