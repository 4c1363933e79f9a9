{# The expressions that are not null, as an array of text; never null itself. #}
{% macro array_of_present(expressions) %}{{ return(adapter.dispatch('array_of_present')(expressions)) }}{% endmacro %}

{% macro default__array_of_present(expressions) %}
    {{ return("list_filter(cast([" ~ expressions | join(', ') ~ "] as varchar[]), lambda x: x is not null)") }}
{% endmacro %}

{% macro snowflake__array_of_present(expressions) %}
    {{ return("array_construct_compact(" ~ expressions | join(', ') ~ ")") }}
{% endmacro %}
