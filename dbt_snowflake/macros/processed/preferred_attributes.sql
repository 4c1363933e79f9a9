{#
    Aggregates for a select list: for each attribute the value of the row with the greatest preference that has one, and
    the attributes that have different values in any row. The rows are those of `staged_with_preference`.
#}
{% macro preferred_attributes(names) -%}
    {%- set conflicts = [] %}
    {%- for name in names %}
        {{ preferred_value(quote_name(name), 'preference') }} as {{ quote_name(name) }},
        {%- do conflicts.append("case when count(distinct " ~ quote_name(name) ~ ") > 1 then '" ~ name ~ "' end") %}
    {%- endfor %}
        {{ array_construct_compact(conflicts) }} as conflicting_attributes
{%- endmacro %}
