{#
    A select with a row an element of an array: the columns named, the element as `element`, its
    place (from 1 on) as `place`.
#}
{% macro exploded(relation, columns, array) %}{{ return(adapter.dispatch('exploded')(relation, columns, array)) }}{% endmacro %}

{% macro default__exploded(relation, columns, array) %}
    {{ return(
        "select " ~ columns | join(', ') ~ ", unnest(elements) as element, generate_subscripts(elements, 1) as place"
        ~ " from (select " ~ columns | join(', ') ~ ", " ~ array ~ " as elements from " ~ relation ~ ") as arrays"
    ) }}
{% endmacro %}

{# a column may be called `value` or `index`, as those of flatten: so all are qualified #}
{% macro snowflake__exploded(relation, columns, array) %}
    {{ return(
        "select arrays." ~ columns | join(', arrays.') ~ ", cast(elements.value as varchar) as element, elements.index + 1 as place"
        ~ " from (select " ~ columns | join(', ') ~ ", " ~ array ~ " as parts from " ~ relation ~ ") as arrays,"
        ~ " lateral flatten(input => arrays.parts) as elements"
    ) }}
{% endmacro %}
