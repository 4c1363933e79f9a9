{#
    A select with one row per element of an array: the given columns, the element as `element`, and its
    position, from 1, as `place`.
#}
{% macro unnest_array(relation, columns, array) %}{{ return(adapter.dispatch('unnest_array')(relation, columns, array)) }}{% endmacro %}

{% macro default__unnest_array(relation, columns, array) %}
    {{ return(
        "select " ~ columns | join(', ') ~ ", unnest(elements) as element, generate_subscripts(elements, 1) as place"
        ~ " from (select " ~ columns | join(', ') ~ ", " ~ array ~ " as elements from " ~ relation ~ ") as arrays"
    ) }}
{% endmacro %}

{# Columns are qualified, because a column may be called `value` or `index`, like those of flatten. #}
{% macro snowflake__unnest_array(relation, columns, array) %}
    {{ return(
        "select arrays." ~ columns | join(', arrays.') ~ ", cast(elements.value as varchar) as element, elements.index + 1 as place"
        ~ " from (select " ~ columns | join(', ') ~ ", " ~ array ~ " as parts from " ~ relation ~ ") as arrays,"
        ~ " lateral flatten(input => arrays.parts) as elements"
    ) }}
{% endmacro %}
