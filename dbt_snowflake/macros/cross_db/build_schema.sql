{#
    The schema that a model is built in. On Snowflake analysts query `processed` while it is rebuilt, so
    dbt builds another schema, whose rows replace those of `processed` after the checks.
#}
{% macro build_schema(name) %}{{ return(adapter.dispatch('build_schema')(name)) }}{% endmacro %}

{% macro default__build_schema(name) %}{{ return(name) }}{% endmacro %}

{% macro snowflake__build_schema(name) %}{{ return('processed_build' if name == 'processed' else name) }}{% endmacro %}
