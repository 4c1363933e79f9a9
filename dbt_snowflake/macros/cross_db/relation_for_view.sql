{# The name of a table inside a view. On DuckDB without the database: the view is copied to the published file, which is another database. #}
{% macro relation_for_view(relation) %}{{ return(adapter.dispatch('relation_for_view')(relation)) }}{% endmacro %}

{% macro default__relation_for_view(relation) %}{{ return(relation.include(database=false)) }}{% endmacro %}

{% macro snowflake__relation_for_view(relation) %}{{ return(relation) }}{% endmacro %}
