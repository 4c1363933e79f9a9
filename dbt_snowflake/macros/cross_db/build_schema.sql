{#
    The schema that a model is built in. On a shared warehouse people query `processed`, so that is
    replaced as a whole, after the checks, by what was built beside it.
#}
{% macro build_schema(name) %}{{ return(adapter.dispatch('build_schema')(name)) }}{% endmacro %}

{% macro default__build_schema(name) %}{{ return(name) }}{% endmacro %}

{% macro snowflake__build_schema(name) %}{{ return('processed_build' if name == 'processed' else name) }}{% endmacro %}
