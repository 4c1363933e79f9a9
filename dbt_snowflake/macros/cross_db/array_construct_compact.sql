{# The expressions that are not null, as an array of text; an empty array if all are null. #}
{% macro array_construct_compact(expressions) %}{{ return(adapter.dispatch('array_construct_compact')(expressions)) }}{% endmacro %}

{% macro default__array_construct_compact(expressions) %}
    {{ return("list_filter(cast([" ~ expressions | join(', ') ~ "] as varchar[]), lambda x: x is not null)") }}
{% endmacro %}

{% macro snowflake__array_construct_compact(expressions) %}
    {{ return("array_construct_compact(" ~ expressions | join(', ') ~ ")") }}
{% endmacro %}
