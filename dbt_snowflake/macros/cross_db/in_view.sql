{# A table as a view names it: the published file, which gets the view too, is another database. #}
{% macro in_view(relation) %}{{ return(adapter.dispatch('in_view')(relation)) }}{% endmacro %}

{% macro default__in_view(relation) %}{{ return(relation.include(database=false)) }}{% endmacro %}

{% macro snowflake__in_view(relation) %}{{ return(relation) }}{% endmacro %}
